// Enters: a tokenizer and texts of one thing. Leaves: a failed test where the time is not linear in the length.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "catch.hpp"
#include "cpu_time.h"
#include "sanitized.h"
#include "tokenizer.h"

namespace hearth::test {

#ifdef HEARTH_TEST_SANITIZED
inline constexpr std::size_t large_mib = 2;  // sanitizers make a run of one letter take minutes
#else
inline constexpr std::size_t large_mib = 16;
#endif

inline std::string repeated(std::string_view unit, std::size_t bytes) {
  std::string text;
  text.reserve(bytes + unit.size());
  while (text.size() < bytes) text += unit;
  return text;
}

inline std::string random_bytes(std::size_t bytes) {
  std::mt19937 random(11);
  std::string text(bytes, ' ');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

/// What else is to be true of the tokens of a text that is UTF-8.
using SeeTokens = std::function<void(const std::string& text, const std::vector<std::int32_t>& ids)>;

inline double seconds_to_encode(const text::Tokenizer& tokenizer, const std::string& text, const SeeTokens& see) {
  const double begin = cpu_seconds();
  const auto ids = tokenizer.encode(text);
  const double took = cpu_seconds() - begin;
  REQUIRE(ids);
  if (see) see(text, *ids);
  return took;
}

/// `a`, newlines, spaces, an emoji, a combining mark, "<|" and random bytes.
inline void check_linear_time(const text::Tokenizer& tokenizer, std::size_t n_mib = large_mib,
                              const SeeTokens& see = {}) {
  constexpr std::size_t mib = std::size_t{1} << 20;
  const auto check = [&](const std::string& small, const std::string& large, std::string_view name,
                         const SeeTokens& tokens) {
    const double one = seconds_to_encode(tokenizer, small, tokens), all = seconds_to_encode(tokenizer, large, tokens);
    CAPTURE(std::string(name), one, all);
    // 8 times the bytes for each MiB, and 4 for caches; quadratic time would be 8 * n_mib times more.
    CHECK(all < 8.0 * static_cast<double>(n_mib) * 4 * one + 1.0);
  };
  for (const char* unit : {"a", "\n", " ", "\xf0\x9f\x94\xa5", "\xcc\x81", "<|"}) {
    check(repeated(unit, mib / 8), repeated(unit, n_mib * mib), unit, see);
  }
  check(random_bytes(mib / 8), random_bytes(n_mib * mib), "random bytes", {});
}

}  // namespace hearth::test
