// Enters: a text and the special tokens of a vocabulary. Leaves: the text cut at them.
#include "special_tokens.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>

namespace hearth::text {
namespace {

/// Families whose special tokens eat the white space after them. GGUF has no key for it; readers go by general.name.
struct StripRow {
  std::string_view name_part;  // lower case, without separators
  std::string_view keep[3];    // tokens that do not
};
constexpr StripRow strip_rows[] = {
    {"phi3", {"<unk>", "<s>", "<|endoftext|>"}},
};

bool is_special(TokenType type) {
  return type == TokenType::control || type == TokenType::unknown || type == TokenType::user_defined;
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

const StripRow* strip_row(const Vocab& vocab) {
  if (vocab.model() != "llama") return nullptr;
  std::string lower;  // "Phi 3.5 Mini Instruct" and "Phi-3-mini" are one family
  for (const char c : vocab.name()) {
    if (std::string_view(" -_.").find(c) == std::string_view::npos)
      lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  for (const StripRow& row : strip_rows) {
    if (lower.find(row.name_part) != std::string::npos) return &row;
  }
  return nullptr;
}

}  // namespace

SpecialTokens::SpecialTokens(const Vocab& vocab) {
  const StripRow* row = strip_row(vocab);
  std::string reversed;
  for (std::int32_t id = 0; id < vocab.size(); ++id) {
    if (!is_special(vocab.type(id))) continue;
    const std::string_view text = vocab.token(id);
    reversed.assign(text.rbegin(), text.rend());
    backwards_.add(reversed, static_cast<std::int32_t>(ids_.size()));
    ids_.push_back(id);
    const bool strips = row && std::find(std::begin(row->keep), std::end(row->keep), text) == std::end(row->keep);
    rules_.push_back({vocab.type(id) != TokenType::user_defined, strips});
  }
  backwards_.link();
}

const SpecialTokens::Rule& SpecialTokens::rule(LiteralAutomaton::State match) const {
  return rules_[static_cast<std::size_t>(backwards_.value(match))];
}

/// `match`, or the longest shorter one that may be used.
LiteralAutomaton::State SpecialTokens::allowed(LiteralAutomaton::State match, bool parse_special) const {
  while (match != LiteralAutomaton::start && rule(match).control && !parse_special) {
    match = backwards_.shorter_match(match);
  }
  return match;
}

std::vector<SpecialTokens::Found> SpecialTokens::longest_at_each_byte(std::string_view text, bool parse_special) const {
  std::vector<Found> found;
  LiteralAutomaton::State state = LiteralAutomaton::start;
  for (std::size_t i = text.size(); i-- > 0;) {
    state = backwards_.step(state, text[i]);
    const auto match = allowed(backwards_.longest_match(state), parse_special);
    if (match != LiteralAutomaton::start) found.push_back({static_cast<std::uint32_t>(i), match});
  }
  return found;
}

/// Longest first. A token that begins in one already taken is dropped; one that only runs into it falls back to the
/// next shorter token at its byte. Taken ones are never shorter, so looking at both ends of a newcomer shows every
/// overlap.
std::vector<SpecialTokens::Taken> SpecialTokens::choose(std::string_view text, std::vector<Found> found,
                                                        bool parse_special) const {
  std::map<std::size_t, std::vector<Found>, std::greater<>> by_length;
  for (const Found& f : found) by_length[backwards_.depth(f.match)].push_back(f);
  found = {};

  std::vector<bool> covered(text.size());
  std::vector<Taken> taken;
  while (!by_length.empty()) {
    const std::size_t length = by_length.begin()->first;
    std::vector<Found> group = std::move(by_length.begin()->second);
    by_length.erase(by_length.begin());
    std::sort(group.begin(), group.end(), [](const Found& a, const Found& b) { return a.begin < b.begin; });
    for (const Found& f : group) {
      if (covered[f.begin]) continue;
      if (covered[f.begin + length - 1]) {
        const auto next = allowed(backwards_.shorter_match(f.match), parse_special);
        if (next != LiteralAutomaton::start) by_length[backwards_.depth(next)].push_back({f.begin, next});
        continue;
      }
      std::size_t end = f.begin + length;
      const std::size_t token_end = end;
      if (rule(f.match).strips_right) {
        while (end < text.size() && !covered[end] && is_space(text[end])) ++end;
      }
      std::fill(covered.begin() + f.begin, covered.begin() + static_cast<std::ptrdiff_t>(end), true);
      taken.push_back({f.begin, static_cast<std::uint32_t>(token_end), static_cast<std::uint32_t>(end),
                       ids_[static_cast<std::size_t>(backwards_.value(f.match))]});
    }
  }
  std::sort(taken.begin(), taken.end(), [](const Taken& a, const Taken& b) { return a.begin < b.begin; });
  return taken;
}

std::vector<Fragment> SpecialTokens::split(std::string_view text, bool parse_special) const {
  std::vector<Fragment> fragments;
  std::size_t done = 0;
  for (const Taken& t : choose(text, longest_at_each_byte(text, parse_special), parse_special)) {
    if (t.begin > done) fragments.push_back({text.substr(done, t.begin - done), -1});
    fragments.push_back({text.substr(t.begin, t.end - t.begin), t.id});
    done = t.stripped_end;
  }
  if (done < text.size()) fragments.push_back({text.substr(done), -1});
  return fragments;
}

}  // namespace hearth::text
