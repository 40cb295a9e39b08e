// Enters: sampling settings. Leaves: whether they can be used, and the steps that they turn on.
#include "settings.h"

#include <cmath>
#include <limits>
#include <string>

#include "infinity.h"
#include "number_text.h"
#include "try.h"

namespace hearth::sample {
namespace {

constexpr std::int32_t kMost = std::numeric_limits<std::int32_t>::max();

struct FloatRange {
  std::string_view name;
  float Settings::*value;
  char open;  // '(' where `low` is outside
  float low, high;
  char close;
};
constexpr FloatRange kFloats[] = {
    {"temp", &Settings::temp, '[', 0, kInfinity, ')'},
    {"dynatemp_range", &Settings::dynatemp_range, '[', 0, kInfinity, ')'},
    {"dynatemp_exponent", &Settings::dynatemp_exponent, '(', 0, kInfinity, ')'},
    {"top_p", &Settings::top_p, '[', 0, 1, ']'},
    {"min_p", &Settings::min_p, '[', 0, 1, ']'},
    {"typical_p", &Settings::typical_p, '[', 0, 1, ']'},
    {"top_n_sigma", &Settings::top_n_sigma, '[', 0, kInfinity, ')'},
    {"xtc_probability", &Settings::xtc_probability, '[', 0, 1, ']'},
    {"xtc_threshold", &Settings::xtc_threshold, '[', 0, 1, ']'},
    {"repeat_penalty", &Settings::repeat_penalty, '(', 0, kInfinity, ')'},
    {"presence_penalty", &Settings::presence_penalty, '(', -kInfinity, kInfinity, ')'},
    {"frequency_penalty", &Settings::frequency_penalty, '(', -kInfinity, kInfinity, ')'},
    {"dry_multiplier", &Settings::dry_multiplier, '[', 0, kInfinity, ')'},
    {"dry_base", &Settings::dry_base, '[', 1, kInfinity, ')'},
    {"mirostat_tau", &Settings::mirostat_tau, '[', 0, kInfinity, ')'},
    {"mirostat_eta", &Settings::mirostat_eta, '[', 0, kInfinity, ')'},
};

struct CountRange {
  std::string_view name;
  std::int32_t Settings::*value;
  std::int32_t low, high;
};
constexpr CountRange kCounts[] = {
    {"top_k", &Settings::top_k, 0, kMost},
    {"repeat_last", &Settings::repeat_last, -1, kMost},
    {"dry_allowed", &Settings::dry_allowed, 1, kMost},
    {"dry_last", &Settings::dry_last, -1, kMost},
    {"mirostat", &Settings::mirostat, 0, 2},
};

/// Written so that a NaN lies outside.
bool lies_in(float value, const FloatRange& range) {
  const bool above = range.open == '(' ? value > range.low : value >= range.low;
  const bool below = range.close == ')' ? value < range.high : value <= range.high;
  return above && below;
}

Error out_of_range(std::string_view name, const std::string& value, const std::string& range) {
  return Error(Status::invalid_argument,
               std::string(name) + " is " + value + "; sampling settings; use a value in " + range);
}

constexpr Step kSteps[] = {
    {"logit_bias", has_bias},
    {"penalties", has_penalties},
    {"dry", has_dry},
    {"greedy", is_greedy},
    {"top_n_sigma", has_top_n_sigma},
    {"top_k", has_top_k},
    {"typical", has_typical},
    {"top_p", has_top_p},
    {"min_p", has_min_p},
    {"xtc", has_xtc},
    {"temp", [](const Settings& s) { return !is_greedy(s) && !has_dynatemp(s); }},
    {"dynatemp", has_dynatemp},
    {"mirostat_1", [](const Settings& s) { return has_mirostat(s) && s.mirostat == 1; }},
    {"mirostat_2", [](const Settings& s) { return has_mirostat(s) && s.mirostat == 2; }},
    {"draw", [](const Settings& s) { return !is_greedy(s); }},
};

/// Greedy needs no cut, and mirostat is one itself.
bool cuts(const Settings& s) { return !is_greedy(s) && !has_mirostat(s); }

}  // namespace

Result<void> validate(const Settings& s) {
  for (const FloatRange& row : kFloats)
    if (!lies_in(s.*row.value, row))
      return out_of_range(row.name, number_text(s.*row.value),
                          row.open + number_text(row.low) + ", " + number_text(row.high) + row.close);
  for (const CountRange& row : kCounts)
    if (s.*row.value < row.low || s.*row.value > row.high)
      return out_of_range(row.name, std::to_string(s.*row.value),
                          "[" + std::to_string(row.low) + ", " + std::to_string(row.high) + "]");
  for (const LogitBias& b : s.logit_bias)
    if (!(b.bias < kInfinity))
      return out_of_range("logit_bias of token " + std::to_string(b.id), number_text(b.bias), "[-inf, inf)");
  return {};
}

std::span<const Step> steps() { return kSteps; }

bool is_greedy(const Settings& s) { return s.temp == 0.0f; }
bool has_bias(const Settings& s) { return !s.logit_bias.empty() || !s.banned.empty(); }
bool has_penalties(const Settings& s) {
  return s.repeat_last != 0 && (s.repeat_penalty != 1.0f || s.presence_penalty != 0.0f || s.frequency_penalty != 0.0f);
}
bool has_dry(const Settings& s) { return s.dry_multiplier > 0.0f && s.dry_last != 0; }
bool has_top_n_sigma(const Settings& s) { return cuts(s) && s.top_n_sigma > 0.0f; }
bool has_top_k(const Settings& s) { return cuts(s) && s.top_k > 0; }
bool has_typical(const Settings& s) { return cuts(s) && s.typical_p < 1.0f; }
bool has_top_p(const Settings& s) { return cuts(s) && s.top_p < 1.0f; }
bool has_min_p(const Settings& s) { return cuts(s) && s.min_p > 0.0f; }
bool has_xtc(const Settings& s) { return cuts(s) && s.xtc_probability > 0.0f; }
bool has_dynatemp(const Settings& s) { return !is_greedy(s) && s.dynatemp_range > 0.0f; }
bool has_mirostat(const Settings& s) { return !is_greedy(s) && s.mirostat != 0; }

}  // namespace hearth::sample
