// Enters: the "added_tokens" of a tokenizer.json, then texts. Leaves: where such tokens stand in a text.
#include "hf_added_tokens.h"

#include "characters.h"
#include "normalizer.h"
#include "try.h"

namespace hearth::text {

Result<std::vector<HfAddedToken>> read_added_tokens(const JsonNode& node) {
  std::vector<HfAddedToken> tokens;
  if (node.is_null()) return tokens;
  HEARTH_TRY(const std::vector<JsonNode> items, node.items());
  for (const JsonNode& item : items) {
    HfAddedToken token;
    HEARTH_TRY(token.content, item["content"].text());
    HEARTH_TRY(token.id, item["id"].id());
    HEARTH_TRY(token.special, item["special"].flag_or(false));
    HEARTH_TRY(token.single_word, item["single_word"].flag_or(false));
    HEARTH_TRY(token.strips_left, item["lstrip"].flag_or(false));
    HEARTH_TRY(token.strips_right, item["rstrip"].flag_or(false));
    HEARTH_TRY(token.normalized, item["normalized"].flag_or(!token.special));
    tokens.push_back(std::move(token));
  }
  return tokens;
}

HfAddedTokens::HfAddedTokens(std::vector<HfAddedToken> tokens, std::vector<std::string> literals)
    : tokens_(std::move(tokens)) {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    backwards_.add(std::string(literals[i].rbegin(), literals[i].rend()), static_cast<std::int32_t>(i));
  }
  backwards_.link();
}

bool HfAddedTokens::may_stand(const HfAddedToken& token, std::string_view text, std::size_t begin,
                              std::size_t end) const {
  if (!token.single_word) return true;
  const bool joined_left = begin > 0 && is_word(last_character(text.substr(0, begin)).code);
  const bool joined_right = end < text.size() && is_word(first_character(text.substr(end)).code);
  return !joined_left && !joined_right;
}

std::vector<HfAddedTokens::Fragment> HfAddedTokens::split(std::string_view text, bool parse_special) const {
  std::vector<Fragment> fragments;
  if (tokens_.empty()) {
    if (!text.empty()) fragments.push_back({0, text.size(), -1});
    return fragments;
  }
  std::vector<LiteralAutomaton::State> longest(text.size());  // [bytes] that begins there
  auto state = LiteralAutomaton::start;
  for (std::size_t i = text.size(); i-- > 0;) {
    state = backwards_.step(state, text[i]);
    longest[i] = backwards_.longest_match(state);
  }
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto match = longest[at];
    if (match == LiteralAutomaton::start) {
      ++at;
      continue;
    }
    const HfAddedToken& token = tokens_[static_cast<std::size_t>(backwards_.value(match))];
    std::size_t begin = at, end = at + backwards_.depth(match);
    at = end;
    if (begin < done || (token.special && !parse_special) || !may_stand(token, text, begin, end)) continue;
    if (token.strips_left) begin = done + stripped(text.substr(done, begin - done), false, true).size();
    if (token.strips_right) end = text.size() - stripped(text.substr(end), true, false).size();
    if (begin > done) fragments.push_back({done, begin, -1});
    fragments.push_back({begin, end, token.id});
    done = end;
  }
  if (done < text.size()) fragments.push_back({done, text.size(), -1});
  return fragments;
}

}  // namespace hearth::text
