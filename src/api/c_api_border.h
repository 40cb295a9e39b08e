// Enters: what C callers hand in: structures of any version's size, callbacks, places for errors. Leaves: C++ values, and statuses.
#pragma once

#include <hearth/hearth.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "guarded.h"
#include "try.h"

namespace hearth::api {

/// Writes `error`, which may be NULL; nothing here allocates.
hearth_status told(hearth_error* error, Status status, std::string_view message) noexcept;

/// body(), a Result<void>, as a status; the only way in for every function that does some work.
template <class Body> hearth_status call(hearth_error* error, Body&& body) noexcept {
  try {
    const Result<void> done = guarded(body);
    return done ? told(error, Status::ok, {}) : told(error, done.error().status(), done.error().message());
  } catch (...) {
    return told(error, Status::out_of_memory, "no memory is left, not even for a message; allocation; free some");
  }
}

Error bad_argument(std::string_view what, std::string_view where, std::string_view to_do);

/// An error that says `name` is NULL, where it must not be.
Result<void> not_null(const void* pointer, std::string_view name);

// What a structure of today's size holds when its caller has set nothing.
void set_defaults(hearth_call_options& options);
void set_defaults(hearth_model_options& options);
void set_defaults(hearth_embed_options& options);
void set_defaults(hearth_session_options& options);
void set_defaults(hearth_sampling_options& options);
void set_defaults(hearth_generate_options& options);
void set_defaults(hearth_chat_options& options);
void set_defaults(hearth_message& message);
void set_defaults(hearth_engine_options& options);

/// Whether a structure of this size can be one of ours, of any version: its size, and what is past the part known here is zero
/// where `data` is given.
Result<void> check_size(std::size_t size, std::size_t known, const unsigned char* data, std::string_view name);

inline std::size_t size_of(const void* structure) {
  std::size_t size = 0;
  std::memcpy(&size, structure, sizeof size);
  return size;
}

/// Options that a program of this or another version filled in; NULL: all defaults.
template <class T> Result<T> read_struct(const T* given, std::string_view name) {
  T known{};
  set_defaults(known);
  known.size = sizeof(T);
  if (!given) return known;
  const std::size_t size = size_of(given);
  HEARTH_CHECK(check_size(size, sizeof(T), reinterpret_cast<const unsigned char*>(given), name));
  std::memcpy(static_cast<void*>(&known), given, std::min(size, sizeof(T)));
  return known;
}

template <class T> hearth_status init_struct(T* out, std::size_t size) noexcept {
  return call(nullptr, [&]() -> Result<void> {
    HEARTH_CHECK(not_null(out, "structure"));
    HEARTH_CHECK(check_size(size, sizeof(T), nullptr, "structure"));
    T known{};
    set_defaults(known);
    known.size = size;
    std::memset(static_cast<void*>(out), 0, size);
    std::memcpy(static_cast<void*>(out), &known, std::min(size, sizeof(T)));
    return {};
  });
}

/// Before the work: whether its result can be written.
template <class T> Result<void> check_output(const T* out, std::string_view name) {
  return out ? check_size(size_of(out), sizeof(T), nullptr, name) : Result<void>();
}

template <class T> void write_struct(T* out, T value) {
  if (!out) return;
  value.size = size_of(out);
  std::memset(static_cast<void*>(out), 0, value.size);
  std::memcpy(static_cast<void*>(out), &value, std::min(value.size, sizeof(T)));
}

/// A caller's callbacks and what became of them. One that throws stops its call like one that says so.
class Listener {
 public:
  explicit Listener(void* user) : user_(user) {}

  /// True: go on.
  template <class Function, class... Arguments> bool tell(Function function, Arguments... arguments) {
    if (!function) return true;
    try {
      return function(user_, arguments...) == 0;
    } catch (...) {
      threw_ = true;
      return false;
    }
  }

  /// An error if one of them threw.
  Result<void> sound() const {
    if (!threw_) return {};
    return Error(Status::cancelled, "a callback threw an exception; callback; return non-zero to stop instead");
  }

 private:
  void* user_;
  bool threw_ = false;
};

template <class Handle> std::uintptr_t number(const Handle* handle) { return reinterpret_cast<std::uintptr_t>(handle); }
template <class Handle> Handle* dressed(std::uintptr_t number) { return reinterpret_cast<Handle*>(number); }

}  // namespace hearth::api
