// Nothing thrown inside leaves the library: at its border an exception becomes an error.
#pragma once

#include <hearth/result.hpp>
#include <new>

namespace hearth::api {

/// body(), whose Result is returned; running out of memory is an error like any other.
template <class Body> auto guarded(Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return Error(Status::out_of_memory, "the system has no memory left; allocation; free some or ask for less");
  } catch (const std::exception& failure) {
    return Error(Status::internal,
                 std::string("unexpected failure: ") + failure.what() + "; inside Hearth; please report it");
  } catch (...) {
    return Error(Status::internal, "unexpected failure; inside Hearth or in a callback; please report it");
  }
}

}  // namespace hearth::api
