// Enters: a text, then ways to cut and rewrite it. Leaves: its pieces, in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <hearth/result.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "regex.h"

namespace hearth::text {

/// Pieces of one buffer. Steps cut them further, drop some, or write them anew.
struct Pieces {
  struct Span {
    std::size_t begin, end;
  };

  std::string text;
  std::vector<Span> spans;  // ascending, not empty
  bool at_start = false;    // nothing stands before the first piece

  std::string_view operator[](std::size_t i) const {
    return std::string_view(text).substr(spans[i].begin, spans[i].end - spans[i].begin);
  }
};

/// A stretch of a piece, matched by a pattern or lying between matches.
struct Stretch {
  std::size_t begin, end;
  bool matched;
};

/// Appends the stretches of a piece: all of it, in order, none empty.
class Pattern {
 public:
  virtual ~Pattern() = default;
  virtual Result<void> stretches(std::string_view piece, std::vector<Stretch>& out) const = 0;
};

/// Every character of a class is a match of its own.
class ClassPattern final : public Pattern {
 public:
  explicit ClassPattern(bool (*holds)(std::int32_t code)) : holds_(holds) {}
  Result<void> stretches(std::string_view piece, std::vector<Stretch>& out) const override;

 private:
  bool (*holds_)(std::int32_t code);
};

class LiteralPattern final : public Pattern {
 public:
  explicit LiteralPattern(std::string literal) : literal_(std::move(literal)) {}
  Result<void> stretches(std::string_view piece, std::vector<Stretch>& out) const override;

 private:
  std::string literal_;
};

/// Bytes that are no UTF-8 match nothing.
class RegexPattern final : public Pattern {
 public:
  explicit RegexPattern(Regex regex) : regex_(std::move(regex)) {}
  Result<void> stretches(std::string_view piece, std::vector<Stretch>& out) const override;

 private:
  Regex regex_;
};

/// What becomes of the matches.
enum class SplitBehavior : std::uint8_t { removed, isolated, merged_with_previous, merged_with_next, contiguous };

/// Cuts every piece. `invert`: what lies between matches counts as the match.
Result<void> split_pieces(Pieces& pieces, const Pattern& pattern, SplitBehavior behavior, bool invert);

}  // namespace hearth::text
