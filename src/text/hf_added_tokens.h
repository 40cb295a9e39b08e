// Enters: the "added_tokens" of a tokenizer.json, then texts. Leaves: where such tokens stand in a text.
#pragma once

#include <cstdint>
#include <hearth/result.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "hf_json.h"
#include "hf_steps.h"
#include "literal_automaton.h"

namespace hearth::text {

struct HfAddedToken {
  std::string content;
  std::int32_t id = -1;
  bool special = false, single_word = false, strips_left = false, strips_right = false;
  bool normalized = true;  // looked for after normalization instead of before
};

Result<std::vector<HfAddedToken>> read_added_tokens(const JsonNode& node);

/// The added tokens that are looked for at one stage. From left to right the longest that begins at a place is found;
/// one that may not stand there hides what it covers. Linear in the text.
class HfAddedTokens {
 public:
  struct Fragment {
    std::size_t begin, end;
    std::int32_t id;  // -1: plain text
  };

  /// `literals`: what each token reads as at this stage.
  HfAddedTokens(std::vector<HfAddedToken> tokens, std::vector<std::string> literals);

  /// All of the text, in order.
  std::vector<Fragment> split(std::string_view text, bool parse_special) const;

 private:
  bool may_stand(const HfAddedToken& token, std::string_view text, std::size_t begin, std::size_t end) const;

  LiteralAutomaton
      backwards_;  // of reversed literals: read from the end, a state knows every one that begins at a byte
  std::vector<HfAddedToken> tokens_;
};

}  // namespace hearth::text
