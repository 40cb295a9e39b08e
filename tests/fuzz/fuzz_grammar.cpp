// Enters: arbitrary bytes: the first says as what, then a grammar, a JSON Schema or a regular expression, and after a NUL a text.
// Leaves: nothing, or a crash where an error is no line, a mask is not what its tokens do, or a state is lost.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "constraint.h"
#include "support/grammar_vocabulary.h"

namespace {

using namespace hearth::sample;

void expect_one_line(const hearth::Error& error) {
  if (error.message().empty() || error.message().find('\n') != std::string::npos) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const hearth::test::GrammarVocabulary vocabulary;
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t cut = std::min(input.find('\0'), input.size());
  ConstraintText text;
  const std::string source(input.substr(0, cut));
  (data[0] % 3 == 0 ? text.grammar : data[0] % 3 == 1 ? text.json_schema : text.regex) = source;
  if (data[0] & 0x80) text.triggers.texts = {"<tool>", "aab"};
  const auto grammar = compile(text);
  if (!grammar) {
    expect_one_line(grammar.error());
    return 0;
  }
  Constraint constraint(*grammar, vocabulary.tokens);
  for (std::size_t at = cut; at < input.size() && at < cut + 24; ++at) {
    const auto mask = constraint.mask();
    if (!mask) {
      expect_one_line(mask.error());
      return 0;
    }
    // The byte chooses among all tokens: what the mask says of one must be what happens.
    const auto id = static_cast<std::int32_t>(static_cast<std::uint8_t>(input[at]) * 7u % vocabulary.tokens->size());
    const bool allowed = hearth::test::allows(*mask, id);
    const GrammarState before = constraint.state();
    const auto accepted = constraint.accept(id);
    if (static_cast<bool>(accepted) != allowed) std::abort();
    if (!accepted && constraint.state().id() != before.id()) std::abort();
    if (allowed && id == hearth::test::GrammarVocabulary::end) return 0;
  }
  return 0;
}
