// Enters: the reference's tokenizer cases of one vocabulary. Leaves: how many of them a tokenizer gives the same ids.
#pragma once

#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "catch.hpp"
#include "test_data.h"
#include "tokenizer.h"

namespace hearth::test {

/// The text that the reference's ids are of. Its recorder read \\n, \\t and \\\\ in a text as escapes: in all eight
/// vocabularies the ids of the one text with backslashes spell a newline, a tab and a single backslash.
inline std::string text_as_recorded(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char escaped = text[++i];
    out += escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped;
  }
  return out;
}

struct CaseCounts {
  std::size_t total = 0, equal = 0, unescaped = 0;
};

/// Every line of cases.jsonl that is of `vocab`; a line that differs fails the test by its text.
inline CaseCounts count_equal_cases(const std::filesystem::path& folder, const std::string& vocab,
                                    const text::Tokenizer& tokenizer) {
  CaseCounts counts;
  std::ifstream cases(folder / "cases.jsonl");
  for (std::string line; std::getline(cases, line);) {
    const auto json = nlohmann::json::parse(line);
    if (json["vocab"] != vocab) continue;
    const auto written = json["text"].get<std::string>();
    const std::string text = text_as_recorded(written);
    const text::EncodeOptions options{json["add_special"].get<bool>(), json["parse_special"].get<bool>()};
    const auto ids = tokenizer.encode(text, options);
    REQUIRE(ids);
    CAPTURE(text, options.add_special);
    const auto wanted = json["ids"].get<std::vector<std::int32_t>>();
    CHECK(*ids == wanted);
    ++counts.total;
    counts.equal += *ids == wanted;
    counts.unescaped += text != written;
  }
  return counts;
}

}  // namespace hearth::test
