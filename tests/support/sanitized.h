// Enters: how this test is compiled. Leaves: HEARTH_TEST_SANITIZED where a sanitizer watches it: it is slow then, and the
// sanitizer has a malloc and an operator new of its own. gcc says so by macros, clang by features.
#pragma once

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HEARTH_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HEARTH_TEST_SANITIZED 1
#endif
#endif
