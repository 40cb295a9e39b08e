// Enters: lines of {"schema": …, "instances": [text, …], "seed": n}. Leaves: for each a line with texts drawn at random from the
// schema's masks and the numbers of the instances that its grammar has not, or with its error. Driven by random_schemas.py.
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "constraint.h"
#include "json_schema.h"
#include "support/grammar_vocabulary.h"

namespace {

using namespace hearth;
using namespace hearth::sample;
using hearth::test::GrammarVocabulary;

/// Any allowed token is as likely; once the text is long, those that close something come first.
std::string drawn(const GrammarVocabulary& vocabulary, Constraint& constraint, std::mt19937& random) {
  constexpr std::string_view closers[] = {"\"", "}", "]", "null", "0", "[", "{"};
  constexpr int long_text = 120, too_long = 20000;
  std::string text;
  for (int n = 0; n < too_long; ++n) {
    const auto mask = constraint.mask();
    if (!mask) return "error: " + mask.error().message();
    std::vector<std::int32_t> ids;
    for (std::size_t id = 0; id < vocabulary.tokens->size(); ++id)
      if (test::allows(*mask, static_cast<std::int32_t>(id))) ids.push_back(static_cast<std::int32_t>(id));
    if (ids.empty()) return "error: an empty mask";
    std::int32_t chosen = ids[random() % ids.size()];
    if (test::allows(*mask, GrammarVocabulary::end) && (n > long_text || random() % 3 == 0))
      chosen = GrammarVocabulary::end;
    else if (n > long_text && random() % 8 != 0)
      for (const std::string_view closer : closers)
        if (test::allows(*mask, vocabulary.id(closer))) {
          chosen = vocabulary.id(closer);
          break;
        }
    if (auto accepted = constraint.accept(chosen); !accepted) return "error: " + accepted.error().message();
    if (chosen == GrammarVocabulary::end || chosen == GrammarVocabulary::other_end) return text;
    text += vocabulary.texts[static_cast<std::size_t>(chosen)];
  }
  return "error: the text does not end";
}

nlohmann::json answer(const GrammarVocabulary& vocabulary, const nlohmann::json& asked) {
  const auto grammar = parse_json_schema(asked["schema"].get<std::string>());
  if (!grammar) return {{"error", grammar.error().message()}};
  std::mt19937 random(asked["seed"].get<unsigned>());
  nlohmann::json reply = {{"texts", nlohmann::json::array()}, {"rejected", nlohmann::json::array()}};
  for (int i = 0; i < 4; ++i) {
    Constraint constraint(*grammar, vocabulary.tokens);
    reply["texts"].push_back(drawn(vocabulary, constraint, random));
  }
  for (std::size_t i = 0; i < asked["instances"].size(); ++i) {
    GrammarState state(*grammar);
    const auto accepted = state.accept(asked["instances"][i].get<std::string>());
    if (!accepted || !*accepted || !state.can_end()) reply["rejected"].push_back(i);
  }
  return reply;
}

}  // namespace

int main() {
  const GrammarVocabulary vocabulary;
  for (std::string line; std::getline(std::cin, line);)
    std::cout << answer(vocabulary, nlohmann::json::parse(line)).dump() << std::endl;
}
