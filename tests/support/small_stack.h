// Enters: some work. Leaves: the work, done by a thread with as little stack as hosts give threads.
#pragma once

#include <pthread.h>

#include <cstddef>

#include "catch.hpp"
#include "sanitized.h"

namespace hearth::test {

#ifdef HEARTH_TEST_SANITIZED
inline constexpr std::size_t kSmallStack = std::size_t{4096} << 10;  // sanitizers make frames several times larger
#else
inline constexpr std::size_t kSmallStack = std::size_t{128}
                                           << 10;  // what musl gives a thread, a quarter of what macOS does
#endif

/// Calls `work()` there, and returns when it has ended.
template <class Work> void on_small_stack(Work work) {
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, kSmallStack) == 0);
  pthread_t thread;
  const auto call = [](void* of) -> void* {
    (*static_cast<Work*>(of))();
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, &attributes, call, &work) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

}  // namespace hearth::test
