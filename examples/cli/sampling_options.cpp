// Enters: the sampling options of a call. Leaves: SamplingOptions.
#include "sampling_options.h"

#include <unistd.h>

#include <charconv>
#include <limits>

#include "options.h"

namespace hearth::cli {
namespace {

std::uint64_t parse_seed(const std::string& word) {
  if (word != "random")
    return parse_number<std::uint64_t>("--seed", word, 0, std::numeric_limits<std::uint64_t>::max());
  std::uint64_t seed = 0;
  if (::getentropy(&seed, sizeof seed) != 0)
    throw CLI::ValidationError("--seed random: the system gives no random numbers");
  return seed;
}

/// "0 (default)" of an option whose default is to be off, else what its default is.
std::string off_or(float value) {
  char text[32];
  return value == 0 ? "0 (default)"
                    : "default " + std::string(text, std::to_chars(text, text + sizeof text, value).ptr) + "; 0";
}

}  // namespace

void declare_sampling(CLI::App& app, SamplingOptions& sampling) {
  constexpr std::int32_t most = std::numeric_limits<std::int32_t>::max();
  constexpr float least = std::numeric_limits<float>::min();
  add_number(app, "--temp", sampling.temp, 0.0f, 1e6f,
             "temperature; " + off_or(sampling.temp) + ": the likeliest token each time");
  add_number(app, "--top-k", sampling.top_k, 0, most, "only the N likeliest; 0 (default): off");
  add_number(app, "--top-p", sampling.top_p, least, 1.0f,
             "only the likeliest that make up this much; 1 (default): off");
  add_number(app, "--min-p", sampling.min_p, 0.0f, 1.0f,
             "only those this likely, the likeliest being 1; " + off_or(sampling.min_p) + ": off");
  add_number(app, "--repeat-penalty", sampling.repeat_penalty, least, 1e6f,
             "against tokens seen lately; 1 (default): off");
  add_number(app, "--repeat-last", sampling.repeat_last, -1, most,
             "how many tokens count as lately (default 64; -1: all)");
  app.add_option_function<std::string>(
         "--seed", [&sampling](const std::string& word) { sampling.seed = parse_seed(word); },
         "U64, or random (default 0)")
      ->type_name("SEED");
}

}  // namespace hearth::cli
