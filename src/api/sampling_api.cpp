// The C++ border for sampling settings: which steps they turn on, what a model recommends.
#include <charconv>
#include <hearth/hearth.hpp>

#include "settings.h"

namespace hearth {
namespace {

/// What may be recommended and where it goes, in the order it is shown in.
template <class Visit> void each_recommended(const RecommendedSampling& from, Visit visit) {
  visit("temp", from.temp, &SamplingOptions::temp);
  visit("top_k", from.top_k, &SamplingOptions::top_k);
  visit("top_p", from.top_p, &SamplingOptions::top_p);
  visit("min_p", from.min_p, &SamplingOptions::min_p);
  visit("xtc_probability", from.xtc_probability, &SamplingOptions::xtc_probability);
  visit("xtc_threshold", from.xtc_threshold, &SamplingOptions::xtc_threshold);
  visit("repeat_penalty", from.repeat_penalty, &SamplingOptions::repeat_penalty);
  visit("repeat_last", from.repeat_last, &SamplingOptions::repeat_last);
  visit("mirostat", from.mirostat, &SamplingOptions::mirostat);
  visit("mirostat_tau", from.mirostat_tau, &SamplingOptions::mirostat_tau);
  visit("mirostat_eta", from.mirostat_eta, &SamplingOptions::mirostat_eta);
}

}  // namespace

std::vector<std::string_view> sampling_steps(const SamplingOptions& sampling) {
  std::vector<std::string_view> names;
  for (const sample::Step& step : sample::steps())
    if (step.is_on(sampling)) names.push_back(step.name);
  return names;
}

SamplingOptions RecommendedSampling::over(SamplingOptions otherwise) const {
  each_recommended(*this, [&](const char*, const auto& value, auto member) {
    if (value) otherwise.*member = *value;
  });
  return otherwise;
}

std::string RecommendedSampling::in_words() const {
  std::string words;
  each_recommended(*this, [&](const char* name, const auto& value, auto) {
    if (!value) return;
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, *value).ptr;
    words += (words.empty() ? "" : ", ") + std::string(name) + " " + std::string(digits, end);
  });
  return words;
}

}  // namespace hearth
