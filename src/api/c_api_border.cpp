// Enters: what C callers hand in. Leaves: C++ values, and statuses; with the words for statuses.
#include "c_api_border.h"

#include <array>

namespace hearth::api {
namespace {

constexpr std::size_t kLargestStruct = 4096;  // no version will have a larger one

/// Indexed by status.
constexpr std::array<const char*, 12> kStatusWords = {
    "done",
    "a value is outside its documented range, or there is no such handle",
    "a file, tensor, key or name does not exist",
    "the operating system refused to open, read, map or write",
    "the file breaks its format",
    "this build does not do what is asked for",
    "memory does not suffice",
    "the text does not fit the context",
    "a number became infinite or NaN",
    "the call was cancelled",
    "a defect in Hearth itself",
    "the session is in another call, or the engine's queue is full",
};
static_assert(kStatusWords.size() == static_cast<std::size_t>(Status::busy) + 1 &&
              static_cast<int>(Status::busy) == HEARTH_BUSY && static_cast<int>(Status::internal) == HEARTH_INTERNAL);

}  // namespace

hearth_status told(hearth_error* error, Status status, std::string_view message) noexcept {
  const auto number = static_cast<hearth_status>(status);
  if (!error) return number;
  constexpr std::string_view kCut = "...";
  std::size_t n = message.size();
  const bool cut = n >= sizeof error->message;
  if (cut) {
    n = sizeof error->message - kCut.size() - 1;
    while (n > 0 && (static_cast<unsigned char>(message[n]) & 0xc0) == 0x80) --n;  // not inside a character
  }
  std::memset(error, 0, sizeof *error);
  error->status = number;
  if (n > 0) std::memcpy(error->message, message.data(), n);
  if (cut) std::memcpy(error->message + n, kCut.data(), kCut.size());
  return number;
}

Error bad_argument(std::string_view what, std::string_view where, std::string_view to_do) {
  return {Status::invalid_argument, std::string(what) + "; " + std::string(where) + "; " + std::string(to_do)};
}

Result<void> not_null(const void* pointer, std::string_view name) {
  if (pointer) return {};
  return bad_argument("a pointer is NULL", name, "pass one to something");
}

Result<void> check_size(std::size_t size, std::size_t known, const unsigned char* data, std::string_view name) {
  if (size < sizeof(std::size_t) || size > kLargestStruct || size % alignof(std::uint64_t) != 0)
    return bad_argument("the size is " + std::to_string(size) + ", which no version's is", name,
                        "fill it in by its _init function, or set size to its sizeof");
  for (std::size_t i = known; data && i < size; ++i)
    if (data[i] != 0)
      return Error(Status::unsupported, "byte " + std::to_string(i) + " is set, this library knows " +
                                            std::to_string(known) + " bytes; " + std::string(name) +
                                            "; use a newer library, or leave zero what it does not know");
  return {};
}

}  // namespace hearth::api

const char* hearth_status_message(hearth_status status) {
  const auto& words = hearth::api::kStatusWords;
  return status >= 0 && static_cast<std::size_t>(status) < words.size() ? words[static_cast<std::size_t>(status)]
                                                                        : "an unknown status";
}
