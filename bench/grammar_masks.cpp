// Enters: vocabularies of ../shared/tokenizers, one made of them all, a JSON Schema. Leaves: what a mask takes for a vocabulary of
// 128 000 tokens: made for the first time, and in the steps
// of texts after the first; in time computed, whatever else the machine does.
#include <algorithm>
#include <cstdio>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "constraint.h"
#include "gguf_reader.h"
#include "support/cpu_time.h"
#include "support/test_data.h"
#include "tokenizer.h"

namespace {

using namespace hearth;
using namespace hearth::sample;

constexpr std::size_t n_tokens = 128000;

double microseconds(double from) { return (test::cpu_seconds() - from) * 1e6; }

/// All bytes, then the texts of every vocabulary in turn, then joined pairs of them until there are enough; none where there is no
/// vocabulary.
std::vector<std::string> made_up_vocabulary() {
  std::set<std::string> seen;
  std::vector<std::string> texts;
  const auto add = [&](std::string text) {
    if (texts.size() < n_tokens && !text.empty() && seen.insert(text).second) texts.push_back(std::move(text));
  };
  for (int byte = 0; byte < 256; ++byte) add(std::string(1, static_cast<char>(byte)));
  for (const char* name : {"deepseek-llm", "starcoder", "gpt-neox", "gpt-2", "llama-spm", "bert-bge"}) {
    const auto path = test::data_folder() / "tokenizers" / (std::string("ggml-vocab-") + name + ".gguf");
    const auto file = gguf::File::open(path.string());
    if (!file) continue;
    const auto tokenizer = text::Tokenizer::from(*file);
    if (!tokenizer) continue;
    for (std::int32_t id = 0; id < tokenizer->vocab().size(); ++id) add(std::string(tokenizer->piece(id)));
  }
  std::mt19937 random(1);
  const std::size_t n_real = texts.size();
  if (n_real == 256) return {};
  std::printf("%zu texts of real vocabularies\n", n_real);
  while (texts.size() < n_tokens) add(texts[random() % n_real] + texts[random() % n_real]);
  return texts;
}

constexpr std::string_view schema = R"({"type":"object","properties":{
  "name":{"type":"string"},"summary":{"type":"string"},"age":{"type":"integer","minimum":0,"maximum":150},
  "email":{"type":"string","format":"email"},"score":{"type":"number"},"code":{"type":"string","maxLength":40},
  "tags":{"type":"array","items":{"type":"string"}},"kind":{"enum":["person","place","thing"]},
  "address":{"type":"object","properties":{"street":{"type":"string"},"city":{"type":"string"}},"required":["street","city"]},
  "extra":{}},"required":["name","summary","age","email","score","code","tags","kind","address","extra"]})";

constexpr std::string_view document =
    R"({"name": "Ada Lovelace", "summary": "She wrote what many call the first program, for a
 machine that was never built; \"notes\" of it were published in 1843.", "age": 36, "email": "ada@example.org", "score": 99.5,
 "code": "AL-1815-12-10", "tags": ["mathematics", "poetry", "engines"], "kind": "person", "address": {"street": "12 St James's
 Square", "city": "London"}, "extra": {"a": [1, 2, {"b": "c d e"}], "note": "the rest of it"}})";

void print(const char* what, std::vector<double>& all) {
  std::sort(all.begin(), all.end());
  double sum = 0;
  for (const double t : all) sum += t;
  std::printf("%-28s n %5zu  mean %8.1f  median %8.1f  p99 %8.1f  max %8.1f us\n", what, all.size(),
              sum / static_cast<double>(all.size()), all[all.size() / 2], all[all.size() * 99 / 100], all.back());
}

}  // namespace

int main() {
  std::vector<std::string> texts = made_up_vocabulary();
  if (texts.empty()) {
    std::fprintf(stderr, "error: there is no vocabulary; %s; put GGUF files with vocabularies there\n",
                 (test::data_folder() / "tokenizers").c_str());
    return 1;
  }
  texts.emplace_back();  // the end of a text
  std::vector<std::string_view> views(texts.begin(), texts.end());
  double start = test::cpu_seconds();
  const auto tokens =
      std::make_shared<const GrammarTokens>(views, std::vector<std::string_view>(views.size()),
                                            std::vector<std::int32_t>{static_cast<std::int32_t>(views.size() - 1)});
  std::printf("trie of %zu tokens: %.0f us\n", views.size(), microseconds(start));
  start = test::cpu_seconds();
  const auto grammar = compile({.json_schema = std::string(schema)});
  if (!grammar) return std::printf("%s\n", grammar.error().message().c_str()), 1;
  std::printf("schema to grammar: %.0f us\n", microseconds(start));

  std::string flat(document);
  flat.erase(std::remove(flat.begin(), flat.end(), '\n'), flat.end());
  Constraint constraint(*grammar, tokens);
  const GrammarState begin = constraint.state();
  std::mt19937 random(3);
  for (int round = 0; round < 4; ++round) {
    constraint.go_to(begin);
    std::vector<double> times;
    for (std::size_t at = 0; at < flat.size();) {
      start = test::cpu_seconds();
      const auto mask = constraint.mask();
      if (!mask) return std::printf("%s\n", mask.error().message().c_str()), 1;
      // The longest allowed token that goes on with the document; in later rounds sometimes a shorter one.
      std::int32_t best = -1;
      const double mask_time = microseconds(start);
      for (std::size_t id = 0; id + 1 < views.size(); ++id) {
        if (!((*mask)[id / 64] >> id % 64 & 1) || flat.compare(at, views[id].size(), views[id]) != 0) continue;
        if (best < 0 ||
            (views[id].size() > texts[static_cast<std::size_t>(best)].size() && (round == 0 || random() % 4)))
          best = static_cast<std::int32_t>(id);
      }
      if (best < 0) return std::printf("no token at byte %zu\n", at), 1;
      start = test::cpu_seconds();
      if (auto accepted = constraint.accept(best); !accepted) return 1;
      times.push_back(mask_time + microseconds(start));
      at += texts[static_cast<std::size_t>(best)].size();
    }
    print(("text " + std::to_string(round)).c_str(), times);
  }
  return 0;
}
