// Enters: a tokenizer.json of byte-level BPE. Leaves: the name of its pre-tokenizer.
#include "pre_tokenizer_name.h"

#include <cstdint>
#include <vector>

#include "hf_config.h"
#include "hf_steps.h"
#include "pre_tokenizer.h"
#include "try.h"
#include "utf8.h"

namespace hearth::convert {
namespace {

using Json = nlohmann::json;

// Contractions in both cases, runs of digits of every length, words in mixed case and many scripts, marks, spaces and line
// ends in every company.
constexpr std::string_view probe =
    "Hello world, I'm don't DON'T we'Ll they'VE  two   spaces\ttab\n\nlines \n mixed\r\n\r\n   end. \n"
    "1 12 123 1234 12345 123456 1234567 x1y22z333 3.14 1,000,000 2024-11-22 \u0663\u0664\u0665\u0666 "
    "\u00bd\u00b2\u2167 "
    "camelCase HTTPServer XMLHttp\u00c9cole \u01c5abc iPhone's ABCdef's THE'S "
    "na\u00efve cafe\u0301 e\u0301a\u0308 \u0928\u092e\u0938\u094d\u0924\u0947 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 "
    "\u041f\u0440\u0438\u0432\u0435\u0442 \u039a\u03b1\u03bb\u03b7 \u05e9\u05dc\u05d5\u05dd "
    "\u0645\u0631\u062d\u0628\u0627 "
    "\u4f60\u597d\u4e16\u754c\u3053\u3093\u306b\u3061\u306f\u30ab\u30bf\u30ab\u30ca\ud55c\uad6d\uc5b4abc\u4e2d\u6587123"
    " "
    "\u3400\u3401 \u3105\u3106 \u0915\u093f\u0964 \u060c \u2018q\u2019 \u201cq\u201d \uff01\uff0c\u3002\u3001\u2026 "
    "<sentinel:12> IMGIMGABZ $100 + 5 = ~x^2 | `code` a_b #tag @me http://a.b/c?d=e&f path/to/file\n/next !important "
    "(a) [b] {c} \u20ac5 \u00a9 \u2192 \U0001f680\U0001f999 \U0001f468\u200d\U0001f469 a\u00a0b \u2003c\u3000d        "
    "e "
    "word\n  indented\n\ttabbed  \n\n\n  !!! ??? ...\n--- \n+++\r.\n and a lot more of words here        \n   ";

/// Where the pretokens of the probe end, as bytes of it, by the steps of a tokenizer.json.
Result<std::vector<std::uint32_t>> ends_of(const Json& steps, const std::string& where) {
  HEARTH_TRY(const text::SplitSteps made, text::read_pre_tokenizer(text::JsonNode(steps, "pre_tokenizer", where)));
  text::Pieces pieces{std::string(probe), {{0, probe.size()}}, true};
  for (const auto& step : made) HEARTH_CHECK(step(pieces));
  std::vector<std::uint32_t> ends;
  std::uint32_t end = 0;
  for (std::size_t i = 0; i < pieces.spans.size(); ++i) {
    for (const char c : pieces[i]) end += is_utf8_begin(c) ? 1 : 0;  // a letter is a byte
    ends.push_back(end);
  }
  return ends;
}

/// GGUF has no word for the space that some put before a text.
void forget_prefix_space(Json& steps) {
  if (!steps.is_object()) return;
  if (steps.contains("add_prefix_space")) steps["add_prefix_space"] = false;
  if (const auto list = steps.find("pretokenizers"); list != steps.end() && list->is_array())
    for (Json& step : *list) forget_prefix_space(step);
}

}  // namespace

std::string_view pre_tokenizer_probe() { return probe; }

Result<std::string> pre_tokenizer_name(const Json& tokenizer, std::string_view preferred, const std::string& where) {
  const auto given = tokenizer.find("pre_tokenizer");
  Json steps = given == tokenizer.end() ? Json() : *given;
  forget_prefix_space(steps);
  HEARTH_TRY(const std::vector<std::uint32_t> wanted, ends_of(steps, where));
  const auto model = tokenizer.find("model");
  const bool ignores_merges =
      model != tokenizer.end() && model->is_object() && model->value("ignore_merges", Json(false)) == Json(true);
  std::string found;
  bool exact = false;
  for (const text::PreTokenizerRow& row : text::pre_tokenizers()) {
    if (!row.traits.byte_level) continue;
    HEARTH_TRY(const text::PreTokenizer pre, text::PreTokenizer::make(row));
    std::vector<std::uint32_t> ends;
    HEARTH_CHECK(pre.split(probe, ends));
    if (ends != wanted) continue;
    const bool same = row.traits.ignore_merges == ignores_merges;
    if (same && any_of_names(row.names, [&](std::string_view name) { return name == preferred; }))
      return std::string(preferred);
    if (!found.empty() && (exact || !same)) continue;
    found = row.names.substr(0, row.names.find(' '));
    exact = same;
  }
  if (!found.empty()) return found;
  return Error(Status::unsupported, "the pre_tokenizer cuts texts as no pre-tokenizer of GGUF does; " + where +
                                        "; convert a model whose tokenizer is known, or ask for this one to be added");
}

}  // namespace hearth::convert
