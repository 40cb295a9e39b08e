// Enters: the text of a grammar or a regular expression. Leaves: its characters and numbers, errors with line and column.
#pragma once

#include <algorithm>
#include <cstdint>
#include <hearth/result.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "character_set.h"
#include "escape.h"
#include "grammar.h"
#include "try.h"
#include "utf8.h"

namespace hearth::sample {

struct Repetition {
  std::uint32_t least = 0;
  std::optional<std::uint32_t> most{};
};

/// `what` names the text in errors and outlives the reader.
class PatternReader {
 public:
  PatternReader(std::string_view text, std::string_view what) : text_(text), what_(what) {}

  bool at_end() const { return at_ == text_.size(); }
  char peek(std::size_t further = 0) const { return at_ + further < text_.size() ? text_[at_ + further] : '\0'; }
  void next() { ++at_; }
  bool skip(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return false;
    at_ += expected.size();
    return true;
  }
  std::size_t position() const { return at_; }
  std::size_t size() const { return text_.size(); }
  void back_to(std::size_t position) { at_ = position; }
  std::string_view slice(std::size_t begin) const { return text_.substr(begin, at_ - begin); }
  std::string_view slice_of(std::size_t begin, std::size_t size) const { return text_.substr(begin, size); }

  Error error(std::string what, std::string todo) const { return error_at(at_, std::move(what), std::move(todo)); }
  Error error_at(std::size_t position, std::string what, std::string todo) const {
    const std::string_view before = text_.substr(0, position);
    const std::size_t line = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1;
    const std::size_t column = position - (line == 1 ? 0 : before.rfind('\n') + 1) + 1;
    return Error(Status::invalid_argument, std::move(what) + "; " + std::string(what_) + ", line " +
                                               std::to_string(line) + ", column " + std::to_string(column) + "; " +
                                               std::move(todo));
  }

  /// A character as it stands.
  Result<std::uint32_t> character() {
    const auto [code, length] = at_end() ? Character{} : first_character(text_.substr(at_));
    if (code == Character::no_code)
      return error("byte " + escape(slice_of(at_, 1)) + " is no UTF-8", "write the text in UTF-8");
    at_ += length;
    return static_cast<std::uint32_t>(code);
  }

  /// Exactly so many digits, as a character. `begin`: of the escape that they belong to.
  Result<std::uint32_t> hexadecimal(int n_digits, std::size_t begin) {
    std::uint64_t code = 0;
    for (int i = 0; i < n_digits; ++i) {
      const std::optional<std::uint32_t> digit = digit_of(peek());
      if (!digit)
        return error_at(begin, "the escape needs " + std::to_string(n_digits) + " hexadecimal digits",
                        "write them all");
      code = code << 4 | *digit;
      next();
    }
    return checked(code, begin);
  }

  Result<std::uint32_t> checked(std::uint64_t code, std::size_t begin) const {
    if (code <= CharacterSet::highest && is_character(static_cast<std::uint32_t>(code)))
      return static_cast<std::uint32_t>(code);
    return error_at(begin, "the escape is no character", "use U+0000 to U+10FFFF without D800 to DFFF");
  }

  static std::optional<std::uint32_t> digit_of(char c) {
    if (c >= '0' && c <= '9') return static_cast<std::uint32_t>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<std::uint32_t>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<std::uint32_t>(c - 'A' + 10);
    return {};
  }

  /// One of ? * + {m} {m,} {m,n}.
  Result<Repetition> repetition() {
    if (skip("?")) return Repetition{0, 1};
    if (skip("*")) return Repetition{0, {}};
    if (skip("+")) return Repetition{1, {}};
    const std::size_t begin = at_;
    next();
    HEARTH_TRY(const std::uint32_t least, count(begin));
    Repetition times{least, least};
    if (skip(",")) {
      times.most.reset();
      if (peek() != '}') {
        HEARTH_TRY(const std::uint32_t most, count(begin));
        times.most = most;
      }
    }
    if (!skip("}")) return error_at(begin, "the repetition is not {m}, {m,} or {m,n}", "write one of these");
    if (times.most && *times.most < times.least)
      return error_at(begin, "the repetition's bounds run backwards", "put the lower bound first");
    return times;
  }

 private:
  Result<std::uint32_t> count(std::size_t begin) {
    std::uint64_t value = 0;
    const std::size_t first = at_;
    for (; peek() >= '0' && peek() <= '9'; next())
      value = std::min<std::uint64_t>(value * 10 + static_cast<std::uint64_t>(peek() - '0'), UINT32_MAX);
    if (at_ == first) return error_at(begin, "the repetition is not {m}, {m,} or {m,n}", "write one of these");
    if (value > GrammarLimits::repetition)
      return error_at(begin, "the repetition counts above " + std::to_string(GrammarLimits::repetition),
                      "repeat less often");
    return static_cast<std::uint32_t>(value);
  }

  std::string_view text_, what_;
  std::size_t at_ = 0;
};

}  // namespace hearth::sample
