// What a call gives back: a value, or an error that names what went wrong, where, and what to do.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace hearth {

/// Why a call failed. One line each; the numbers are stable.
enum class Status : int {
  ok = 0,
  invalid_argument = 1,  ///< the caller passed a value outside its documented range
  not_found = 2,         ///< a file, tensor, key or name does not exist
  io = 3,                ///< the operating system refused to open, read, map or write
  malformed = 4,         ///< the file breaks its format; the message names field and byte offset
  unsupported = 5,       ///< a sound file asks for something this build does not run
  out_of_memory = 6,     ///< an allocation failed, or the Plan does not fit; the message has the bytes
  context_full = 7,      ///< the text does not fit the context; the message has both numbers
  non_finite = 8,        ///< an activation or logit became infinite or NaN; the message names layer and step
  cancelled = 9,         ///< a callback asked to stop
  internal = 10,         ///< a defect in Hearth itself
  busy = 11,             ///< what was asked is in another call's hands
};

/// An error is a value. `message()` reads "WHAT; WHERE; WHAT TO DO", in one line without a newline.
class Error {
 public:
  Error(Status status, std::string message) : status_(status), message_(std::move(message)) {}
  Status status() const { return status_; }
  const std::string& message() const { return message_; }

 private:
  Status status_;
  std::string message_;
};

/// A `T` or an `Error`. Test it, then use `*` and `->`; `error()` is defined only when the test is false.
template <class T> class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }
  T& operator*() & { return *std::get_if<0>(&state_); }
  const T& operator*() const& { return *std::get_if<0>(&state_); }
  T&& operator*() && { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() { return std::get_if<0>(&state_); }
  const T* operator->() const { return std::get_if<0>(&state_); }
  const Error& error() const& { return *std::get_if<1>(&state_); }
  Error&& error() && { return std::move(*std::get_if<1>(&state_)); }

 private:
  std::variant<T, Error> state_;
};

/// Success without a value, or an `Error`.
template <> class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  explicit operator bool() const { return !error_.has_value(); }
  const Error& error() const& { return *error_; }
  Error&& error() && { return std::move(*error_); }

 private:
  std::optional<Error> error_;
};

}  // namespace hearth
