// Enters: the sampling options of a call. Leaves: SamplingOptions.
#include "sampling_options.h"

#include <unistd.h>

#include <charconv>
#include <limits>

#include "options.h"

namespace hearth::cli {
namespace {

constexpr std::int32_t kMostTokens = std::numeric_limits<std::int32_t>::max();
constexpr float kLeast = std::numeric_limits<float>::min(), kLarge = 1e6f;

struct FloatOption {
  const char* name;
  float SamplingOptions::*value;
  float low, high;
  const char* help;
};
constexpr FloatOption kFloats[] = {
    {"--temp", &SamplingOptions::temp, 0, kLarge, "temperature; 0: the likeliest token each time"},
    {"--dynatemp-range", &SamplingOptions::dynatemp_range, 0, kLarge,
     "how far the temperature follows the entropy; 0: off"},
    {"--dynatemp-exp", &SamplingOptions::dynatemp_exponent, kLeast, kLarge, "exponent of that entropy"},
    {"--top-p", &SamplingOptions::top_p, kLeast, 1, "only the likeliest that make up this much; 1: off"},
    {"--min-p", &SamplingOptions::min_p, 0, 1, "only those this likely, the likeliest being 1; 0: off"},
    {"--typical", &SamplingOptions::typical_p, kLeast, 1,
     "only those of the most usual surprise that make up this much; 1: off"},
    {"--top-n-sigma", &SamplingOptions::top_n_sigma, 0, kLarge,
     "only logits so many standard deviations below the highest; 0: off"},
    {"--xtc-probability", &SamplingOptions::xtc_probability, 0, 1, "how often the top choices are excluded; 0: off"},
    {"--xtc-threshold", &SamplingOptions::xtc_threshold, 0, 1, "what makes a top choice"},
    {"--repeat-penalty", &SamplingOptions::repeat_penalty, kLeast, kLarge, "against tokens seen lately; 1: off"},
    {"--presence", &SamplingOptions::presence_penalty, -kLarge, kLarge, "less for each token seen lately; 0: off"},
    {"--frequency", &SamplingOptions::frequency_penalty, -kLarge, kLarge, "the same, each time it was seen; 0: off"},
    {"--dry-multiplier", &SamplingOptions::dry_multiplier, 0, kLarge, "against repeating what came before; 0: off"},
    {"--dry-base", &SamplingOptions::dry_base, 1, kLarge, "how much more for each token repeated"},
    {"--mirostat-tau", &SamplingOptions::mirostat_tau, 0, kLarge, "bits of surprise that mirostat aims at"},
    {"--mirostat-eta", &SamplingOptions::mirostat_eta, 0, kLarge, "how fast mirostat learns"},
};

struct CountOption {
  const char* name;
  std::int32_t SamplingOptions::*value;
  std::int32_t low, high;
  const char* help;
};
constexpr CountOption kCounts[] = {
    {"--top-k", &SamplingOptions::top_k, 0, kMostTokens, "only the N likeliest; 0: off"},
    {"--repeat-last", &SamplingOptions::repeat_last, -1, kMostTokens, "how many tokens count as lately; -1: all"},
    {"--dry-allowed", &SamplingOptions::dry_allowed, 1, kMostTokens, "the shortest repetition that counts"},
    {"--dry-last", &SamplingOptions::dry_last, -1, kMostTokens, "how many tokens are looked at for it; -1: all"},
    {"--mirostat", &SamplingOptions::mirostat, 0, 2, "steer the surprise, version 1 or 2; 0: off"},
};

template <class T> std::string with_default(const char* help, T value) {
  char text[32];
  return std::string(help) + " (default " + std::string(text, std::to_chars(text, text + sizeof text, value).ptr) + ")";
}

std::uint64_t parse_seed(const std::string& word) {
  if (word != "random")
    return parse_number<std::uint64_t>("--seed", word, 0, std::numeric_limits<std::uint64_t>::max());
  std::uint64_t seed = 0;
  if (::getentropy(&seed, sizeof seed) != 0)
    throw CLI::ValidationError("--seed random: the system gives no random numbers");
  return seed;
}

LogitBias parse_bias(const std::string& word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string::npos)
    throw CLI::ValidationError("--logit-bias takes ID=V, a token's id and what its logit gets");
  LogitBias bias;
  bias.id = parse_number("--logit-bias ID", std::string_view(word).substr(0, equals), 0, kMostTokens);
  const std::string_view value = std::string_view(word).substr(equals + 1);
  bias.bias = value == "-inf" ? -std::numeric_limits<float>::infinity()
                              : parse_number("--logit-bias ID=V", value, -kLarge, kLarge);
  return bias;
}

/// An option that may be given again, each word for itself.
template <class Use>
void add_each(CLI::App& app, const std::string& name, const char* type, const std::string& help, Use use) {
  const auto use_words = [use](const CLI::results_t& words) {
    for (const std::string& word : words) use(word);
    return true;
  };
  app.add_option(name, CLI::callback_t(use_words), help)->type_name(type)->take_all()->allow_extra_args(false);
}

}  // namespace

void SamplingChoice::declare(CLI::App& app, const SamplingOptions& defaults) {
  app_ = &app;
  options_ = defaults;
  for (const FloatOption& row : kFloats)
    add_number(app, row.name, options_.*row.value, row.low, row.high, with_default(row.help, options_.*row.value));
  for (const CountOption& row : kCounts)
    add_number(app, row.name, options_.*row.value, row.low, row.high, with_default(row.help, options_.*row.value));
  add_texts(app, "--dry-breaker", "TEXT", breakers_,
            "no repetition goes across this; may be given again (default: newline : \" *)");
  add_each(app, "--logit-bias", "ID=V", "added to a token's logit, -inf to forbid it; may be given again",
           [this](const std::string& word) { options_.logit_bias.push_back(parse_bias(word)); });
  add_each(app, "--ban", "ID", "a token that never comes; may be given again",
           [this](const std::string& word) { options_.banned.push_back(parse_number("--ban", word, 0, kMostTokens)); });
  add_choice(app, "--sampling", {"model"}, source_, "model: what the model recommends, where the call says nothing");
  app.add_option_function<std::string>(
         "--seed", [this](const std::string& word) { options_.seed = parse_seed(word); }, "U64, or random (default 0)")
      ->type_name("SEED");
}

bool SamplingChoice::given(const std::string& name) const { return app_->count(name) > 0; }

Result<SamplingOptions> SamplingChoice::over(const ModelInfo& model) const {
  SamplingOptions chosen = options_;
  if (!breakers_.empty()) chosen.dry_breakers = breakers_;
  if (source_.empty()) return chosen;
  const RecommendedSampling& recommended = model.recommended;
  if (!recommended.not_understood.empty())
    return Error(Status::malformed, recommended.not_understood.front() +
                                        " is not understood; --sampling model; give the settings one by one");
  if (recommended.in_words().empty())
    return Error(Status::not_found,
                 "the model recommends no sampling settings; --sampling model; give the settings one by one");
  chosen = recommended.over(chosen);
  for (const FloatOption& row : kFloats)
    if (given(row.name)) chosen.*row.value = options_.*row.value;
  for (const CountOption& row : kCounts)
    if (given(row.name)) chosen.*row.value = options_.*row.value;
  return chosen;
}

std::string SamplingChoice::advice(const ModelInfo& model) const {
  const std::string words = model.recommended.in_words();
  if (!source_.empty()) return "sampling as the model recommends: " + words;
  if (!words.empty()) return "the model recommends " + words + " (--sampling model takes that)";
  return "";
}

std::string steps_in_words(const SamplingOptions& sampling) {
  std::string words;
  for (const std::string_view step : sampling_steps(sampling)) words.append(words.empty() ? "" : " > ").append(step);
  return words;
}

}  // namespace hearth::cli
