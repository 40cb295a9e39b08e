// Enters: an expression that gives a Result. Leaves: its value, or the enclosing function with its error.
#pragma once

#include <hearth/result.hpp>

#define HEARTH_JOIN_(a, b) a##b
#define HEARTH_JOIN(a, b) HEARTH_JOIN_(a, b)

/// `HEARTH_TRY(auto x, f())`: x is the value of f(), or the error is returned to the caller.
#define HEARTH_TRY(lhs, expr)                                                                            \
  auto HEARTH_JOIN(hearth_try_, __LINE__) = (expr);                                                      \
  if (!HEARTH_JOIN(hearth_try_, __LINE__)) return std::move(HEARTH_JOIN(hearth_try_, __LINE__)).error(); \
  lhs = std::move(*HEARTH_JOIN(hearth_try_, __LINE__))

/// `HEARTH_CHECK(f())`: the error of f(), if it has one, is returned to the caller.
#define HEARTH_CHECK(expr) \
  if (auto hearth_check_ = (expr); !hearth_check_) return std::move(hearth_check_).error()
