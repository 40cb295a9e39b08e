// Enters: a model file. Leaves: the sampling settings that its authors recommend.
#include "recommended_sampling.h"

#include <limits>

#include "settings.h"

namespace hearth::engine {
namespace {

struct FloatKey {
  const char* key;
  std::optional<float> RecommendedSampling::*value;
  float SamplingOptions::*option;
};
constexpr FloatKey kFloats[] = {
    {"general.sampling.temp", &RecommendedSampling::temp, &SamplingOptions::temp},
    {"general.sampling.top_p", &RecommendedSampling::top_p, &SamplingOptions::top_p},
    {"general.sampling.min_p", &RecommendedSampling::min_p, &SamplingOptions::min_p},
    {"general.sampling.xtc_probability", &RecommendedSampling::xtc_probability, &SamplingOptions::xtc_probability},
    {"general.sampling.xtc_threshold", &RecommendedSampling::xtc_threshold, &SamplingOptions::xtc_threshold},
    {"general.sampling.penalty_repeat", &RecommendedSampling::repeat_penalty, &SamplingOptions::repeat_penalty},
    {"general.sampling.mirostat_tau", &RecommendedSampling::mirostat_tau, &SamplingOptions::mirostat_tau},
    {"general.sampling.mirostat_eta", &RecommendedSampling::mirostat_eta, &SamplingOptions::mirostat_eta},
};

struct CountKey {
  const char* key;
  std::optional<std::int32_t> RecommendedSampling::*value;
  std::int32_t SamplingOptions::*option;
};
constexpr CountKey kCounts[] = {
    {"general.sampling.top_k", &RecommendedSampling::top_k, &SamplingOptions::top_k},
    {"general.sampling.penalty_last_n", &RecommendedSampling::repeat_last, &SamplingOptions::repeat_last},
    {"general.sampling.mirostat", &RecommendedSampling::mirostat, &SamplingOptions::mirostat},
};

/// A number that the sampler takes.
template <class T> bool usable(T SamplingOptions::*option, T value) {
  SamplingOptions alone;
  alone.*option = value;
  return static_cast<bool>(sample::validate(alone));
}

}  // namespace

RecommendedSampling recommended_sampling(const gguf::File& file) {
  RecommendedSampling found;
  for (const FloatKey& row : kFloats) {
    const auto value = file.optional_float(row.key);
    if (value && !*value) continue;
    if (value && usable(row.option, static_cast<float>(**value))) found.*row.value = static_cast<float>(**value);
    else found.not_understood.emplace_back(row.key);
  }
  for (const CountKey& row : kCounts) {
    const auto value = file.optional_uint(row.key);
    if (value && !*value) continue;
    constexpr std::uint64_t most = std::numeric_limits<std::int32_t>::max();
    if (value && **value <= most && usable(row.option, static_cast<std::int32_t>(**value)))
      found.*row.value = static_cast<std::int32_t>(**value);
    else found.not_understood.emplace_back(row.key);
  }
  return found;
}

}  // namespace hearth::engine
