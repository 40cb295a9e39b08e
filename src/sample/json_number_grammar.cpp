// Enters: bounds. Leaves: expressions for exactly the numbers between them, digit by digit.
#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include "json_text_grammar.h"

namespace hearth::sample {
namespace {

using Expr = GrammarBuilder::Expr;

constexpr int integer_digits = 18, decimal_digits = 15;

constexpr std::int64_t power_of_ten(int n) {
  std::int64_t power = 1;
  for (; n > 0; --n) power *= 10;
  return power;
}

/// The number as a multiple of 10^-n_fraction, rounded towards -inf or +inf; far numbers end at +-10^18.
std::int64_t on_grid(const Decimal& value, int n_fraction, bool up) {
  constexpr std::int64_t far = power_of_ten(integer_digits);
  if (value.digits.empty()) return 0;
  const std::int64_t shift = value.exponent + n_fraction;
  const std::int64_t n_whole = static_cast<std::int64_t>(value.digits.size()) + shift;
  if (n_whole > integer_digits) return value.negative ? -far : far;
  std::int64_t whole = 0;
  for (std::int64_t i = 0; i < n_whole; ++i)
    whole = whole * 10 +
            (i < static_cast<std::int64_t>(value.digits.size()) ? value.digits[static_cast<std::size_t>(i)] - '0' : 0);
  if (value.negative) whole = -whole;
  const bool exact = shift >= 0;
  if (exact) return whole;
  return up ? whole + !value.negative : whole - value.negative;  // truncation went towards zero
}

std::int64_t lowest_of(const NumberBound& bound, int n_fraction) {
  if (!bound.exclusive) return on_grid(bound.value, n_fraction, true);
  return on_grid(bound.value, n_fraction, false) + 1;
}

std::int64_t highest_of(const NumberBound& bound, int n_fraction) {
  if (!bound.exclusive) return on_grid(bound.value, n_fraction, false);
  return on_grid(bound.value, n_fraction, true) - 1;
}

/// Numbers without a sign whose digits, `n_fraction` of them after the point, lie between two of the same length.
class DigitRange {
 public:
  DigitRange(GrammarBuilder& builder, std::string low, std::string high, std::size_t n_fraction)
      : b_(builder), low_(std::move(low)), high_(std::move(high)), n_whole_(low_.size() - n_fraction) {}

  Expr expression() { return from(0, true, true); }

 private:
  Expr digit(int first, int last) {
    return b_.characters({{static_cast<std::uint32_t>('0' + first), static_cast<std::uint32_t>('0' + last)}});
  }
  Expr any_digits(std::size_t least, std::size_t most) {
    return b_.repeat(digit(0, 9), static_cast<std::uint32_t>(least), static_cast<std::uint32_t>(most));
  }
  bool only(const std::string& digits, std::size_t from, char digit) const {
    return digits.find_first_not_of(digit, from) == std::string::npos;
  }

  /// What may stand from digit `at` on: `above` and `below` say that the digits before it are those of the bound.
  Expr from(std::size_t at, bool above, bool below) {
    if (at > 0) above = above && !only(low_, at, '0');
    below = below && !only(high_, at, '9');
    if (at == low_.size()) return b_.empty();
    if (at > 0 && !above && !below) return free(at);
    std::vector<Expr> ways;
    const Expr point = b_.literal(at == n_whole_ ? "." : "");
    if (at >= n_whole_ && !above) ways.push_back(b_.empty());  // zeros are meant to follow
    const int first = above ? low_[at] - '0' : 0, last = below ? high_[at] - '0' : 9;
    const auto way = [&](int low, int high, bool still_above, bool still_below) {
      if (low <= high) ways.push_back(b_.sequence({point, digit(low, high), from(at + 1, still_above, still_below)}));
    };
    if (first == last) {
      way(first, last, above, below);
    } else {
      if (above) way(first, first, true, false);
      way(first + above, last - below, false, false);
      if (below) way(last, last, false, true);
    }
    return b_.choice(std::move(ways));
  }

  Expr free(std::size_t at) {
    const std::size_t n_fraction = low_.size() - n_whole_;
    if (at > n_whole_) return any_digits(0, low_.size() - at);
    std::vector<Expr> parts{any_digits(n_whole_ - at, n_whole_ - at)};
    if (n_fraction > 0) parts.push_back(b_.optional(b_.sequence({b_.literal("."), any_digits(1, n_fraction)})));
    return b_.sequence(std::move(parts));
  }

  GrammarBuilder& b_;
  std::string low_, high_;
  std::size_t n_whole_;
};

/// Numbers from `low` to `high`, both at least 0, on a grid of 10^-n_fraction: each length of the whole part by itself.
Expr magnitudes(GrammarBuilder& builder, std::int64_t low, std::int64_t high, int n_fraction) {
  std::vector<Expr> ways;
  const auto digits = [&](std::int64_t value, std::size_t length) {
    std::string text = std::to_string(value);
    return std::string(length - std::min(length, text.size()), '0') + text;
  };
  for (int n_whole = 1; n_whole + n_fraction <= integer_digits; ++n_whole) {
    const std::int64_t least = n_whole == 1 ? 0 : power_of_ten(n_whole - 1 + n_fraction);
    const std::int64_t most = power_of_ten(n_whole + n_fraction) - 1;
    const std::int64_t from = std::max(low, least), to = std::min(high, most);
    if (from > to) continue;
    const auto length = static_cast<std::size_t>(n_whole + n_fraction);
    ways.push_back(DigitRange(builder, digits(from, length), digits(to, length), static_cast<std::size_t>(n_fraction))
                       .expression());
  }
  return builder.choice(std::move(ways));
}

}  // namespace

JsonText::Expr JsonText::between(std::int64_t lowest, std::int64_t highest, int n_fraction) {
  std::vector<Expr> ways;
  if (highest >= 0) ways.push_back(magnitudes(builder_, std::max<std::int64_t>(lowest, 0), highest, n_fraction));
  if (lowest < 0)
    ways.push_back(builder_.sequence(
        {builder_.literal("-"), magnitudes(builder_, std::max<std::int64_t>(-highest, 1), -lowest, n_fraction)}));
  return lowest > highest ? builder_.nothing() : builder_.choice(std::move(ways));
}

JsonText::Expr JsonText::integers(const std::optional<NumberBound>& lower, const std::optional<NumberBound>& upper) {
  constexpr std::int64_t most = power_of_ten(integer_digits) - 1;
  const std::int64_t lowest = lower ? lowest_of(*lower, 0) : -most, highest = upper ? highest_of(*upper, 0) : most;
  return builder_.shared("integer", between(std::max(lowest, -most), std::min(highest, most), 0));
}

std::optional<JsonText::Expr> JsonText::decimals(const std::optional<NumberBound>& lower,
                                                 const std::optional<NumberBound>& upper) {
  constexpr int usual_fraction = 6;
  int n_fraction = usual_fraction;
  for (const auto& bound : {lower, upper}) {
    if (!bound) continue;
    const std::int64_t n_whole = static_cast<std::int64_t>(bound->value.digits.size()) + bound->value.exponent;
    n_fraction = static_cast<int>(std::clamp<std::int64_t>(decimal_digits - n_whole, 0, n_fraction));
  }
  for (const auto& bound : {lower, upper})
    if (bound && (-bound->value.exponent > n_fraction || std::ssize(bound->value.digits) > decimal_digits)) return {};
  const std::int64_t most = power_of_ten(decimal_digits) - 1;
  const std::int64_t lowest = lower ? lowest_of(*lower, n_fraction) : -most;
  const std::int64_t highest = upper ? highest_of(*upper, n_fraction) : most;
  return builder_.shared("number", between(std::max(lowest, -most), std::min(highest, most), n_fraction));
}

/// As JSON spells numbers, with at most 19 digits before the point, 24 after it and an exponent that a double holds.
JsonText::Expr JsonText::any_number() {
  if (number_) return *number_;
  const auto digits = [&](std::uint32_t least, std::uint32_t most) {
    return builder_.repeat(builder_.characters({{'0', '9'}}), least, most);
  };
  const Expr whole = builder_.choice(
      {builder_.literal("0"), builder_.sequence({builder_.characters({{'1', '9'}}), digits(0, integer_digits)})});
  const Expr fraction = builder_.optional(builder_.sequence({builder_.literal("."), digits(1, 24)}));
  const Expr sign = builder_.optional(builder_.characters({{'+', '+'}, {'-', '-'}}));
  const Expr size = builder_.choice(
      {builder_.sequence({sign, digits(1, 2)}), builder_.sequence({builder_.literal("-"), digits(3, 3)})});
  const Expr exponent = builder_.optional(builder_.sequence({builder_.characters({{'E', 'E'}, {'e', 'e'}}), size}));
  number_ = builder_.shared("number",
                            builder_.sequence({builder_.optional(builder_.literal("-")), whole, fraction, exponent}));
  return *number_;
}

}  // namespace hearth::sample
