// Enters: work that may throw. Leaves: its Result, an error where it threw: nothing thrown crosses the library's border, or ends
// somebody else's work.
#pragma once

#include <hearth/result.hpp>
#include <new>
#include <string>

#include "escape.h"

namespace hearth {

/// The message, or where there is no memory for it either two words that need none.
inline Error error_from(Status status, const char* what, const char* rest) noexcept {
  try {
    return {status, escape(what, 256) + rest};
  } catch (const std::bad_alloc&) {
    return {Status::out_of_memory, "out of memory"};  // within what a string holds by itself
  }
}

/// body(), whose Result is returned; running out of memory is an error like any other.
template <class Body> auto guarded(Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return error_from(Status::out_of_memory, "the system has no memory left",
                      "; allocation; free some or ask for less");
  } catch (const std::exception& failure) {
    return error_from(Status::internal, failure.what(), "; an unexpected failure inside Hearth; please report it");
  } catch (...) {
    return error_from(Status::internal, "unexpected failure", "; inside Hearth or in a callback; please report it");
  }
}

}  // namespace hearth
