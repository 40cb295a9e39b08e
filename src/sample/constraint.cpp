// Enters: what a text must look like. Leaves: which tokens may come next, as the text grows.
#include "constraint.h"

#include <algorithm>
#include <array>

#include "grammar_parser.h"
#include "json_schema.h"
#include "regex_grammar.h"
#include "try.h"

namespace hearth::sample {

Result<std::shared_ptr<const Grammar>> compile(const ConstraintText& text) {
  using Parse = Result<std::shared_ptr<const Grammar>> (*)(std::string_view);
  const std::pair<const std::optional<std::string>*, Parse> kinds[] = {
      {&text.grammar, parse_gbnf}, {&text.json_schema, parse_json_schema}, {&text.regex, parse_regex}};
  std::shared_ptr<const Grammar> grammar;
  for (const auto& [given, parse] : kinds) {
    if (!given->has_value()) continue;
    if (grammar)
      return Error(Status::invalid_argument,
                   "two of grammar, JSON Schema and regular expression are given; generation; give one");
    HEARTH_TRY(grammar, parse(**given));
  }
  if (grammar && StateGraph(grammar).start() == StateGraph::overflow) return state_overflow(*grammar);
  const Triggers& triggers = text.triggers;
  if (triggers.reasoning_closes.empty() ? !triggers.reasoning_opens.empty() : triggers.texts.empty())
    return Error(
        Status::invalid_argument,
        "reasoning has no end or there is no trigger that could be in it; generation; give reasoning_closes and "
        "grammar_triggers too");
  if (triggers.texts.empty()) return grammar;
  if (!grammar)
    return Error(Status::invalid_argument,
                 "a trigger is given, but nothing that it starts; generation; give a grammar too");
  return after_triggers(*grammar, triggers);
}

namespace {

/// The triggers' beginnings and where each byte leads from them (Aho and Corasick, "Efficient string matching", 1975).
struct Beginnings {
  using State = std::uint32_t;
  static constexpr State none = UINT32_MAX;
  std::vector<std::array<State, 256>> next;
  std::vector<bool> complete;

  explicit Beginnings(std::span<const std::string> texts) {
    add();
    for (const std::string& text : texts) insert(text);
    std::vector<State> queue{0}, shorter(next.size(), 0);
    for (std::size_t i = 0; i < queue.size(); ++i) {
      const State at = queue[i];
      for (std::size_t byte = 0; byte < 256; ++byte) {
        const State otherwise = at == 0 ? 0 : next[shorter[at]][byte];
        State& to = next[at][byte];
        if (to == none) {
          to = otherwise;
        } else {
          shorter[to] = otherwise;
          if (complete[otherwise]) complete[to] = true;
          queue.push_back(to);
        }
      }
    }
  }

 private:
  State add() {
    next.emplace_back().fill(none);
    complete.push_back(false);
    return static_cast<State>(next.size() - 1);
  }
  void insert(const std::string& text) {
    State at = 0;
    for (const char c : text) {
      const auto byte = static_cast<std::uint8_t>(c);
      if (next[at][byte] == none) {
        const State made = add();
        next[at][byte] = made;
      }
      at = next[at][byte];
    }
    complete[at] = true;
  }
};

/// Where each byte of the text before a trigger leads from a state.
struct FreeText {
  using State = Beginnings::State;
  static constexpr State triggered = Beginnings::none;
  std::vector<std::array<State, 256>> next;
  State start = 0;

  explicit FreeText(const Triggers& triggers) {
    const Beginnings content(triggers.texts);
    add(content, 0, triggered);
    if (triggers.reasoning_closes.empty()) return;
    const std::string& opens = triggers.reasoning_opens;
    const auto inside = static_cast<State>(next.size());
    const Beginnings reasoning({&triggers.reasoning_closes, 1});
    const auto begin = inside + static_cast<State>(reasoning.next.size());  // of a text, where reasoning may open
    start = opens.empty() ? inside : begin;
    add(reasoning, inside, opens.empty() ? 0 : begin);
    for (State n = 0, as_content = 0; n < opens.size(); ++n) {  // bytes of the opening read
      next.push_back(next[as_content]);
      if (n == 0)
        for (const unsigned char blank : {' ', '\t', '\r', '\n'}) next.back()[blank] = begin;
      const auto byte = static_cast<std::uint8_t>(opens[n]);
      as_content = next[as_content][byte];
      if (as_content == triggered) return;  // what would open it is a trigger
      next.back()[byte] = n + 1 == opens.size() ? inside : begin + n + 1;
    }
  }

 private:
  void add(const Beginnings& texts, State first, State completed) {
    for (const auto& row : texts.next) {
      auto& to = next.emplace_back();
      for (std::size_t byte = 0; byte < 256; ++byte)
        to[byte] = texts.complete[row[byte]] ? completed : first + row[byte];
    }
  }
};

}  // namespace

Result<std::shared_ptr<const Grammar>> after_triggers(const Grammar& grammar, const Triggers& triggers) {
  constexpr std::size_t most_bytes = 4096;
  std::size_t n_bytes = triggers.reasoning_opens.size() + triggers.reasoning_closes.size();
  for (const std::string& trigger : triggers.texts) {
    if (trigger.empty())
      return Error(Status::invalid_argument, "a trigger is empty; grammar triggers; give the text that starts it");
    n_bytes += trigger.size();
  }
  if (n_bytes > most_bytes)
    return too_complex("grammar triggers", "they have more than " + std::to_string(most_bytes) + " bytes");

  const FreeText text(triggers);
  auto lazy = std::make_shared<Grammar>(grammar);
  lazy->free_begin = static_cast<NodeId>(lazy->nodes.size());
  // Two nodes for each state, the way out or on and the byte that is read; then the call and the end.
  const auto node_of = [&](std::size_t state) { return static_cast<NodeId>(lazy->free_begin + 2 * state); };
  const NodeId triggered = node_of(text.next.size()), end = triggered + 1;
  for (std::size_t at = 0; at < text.next.size(); ++at) {
    const auto ways = static_cast<std::uint32_t>(lazy->edges.size());
    lazy->edges.push_back({end});
    lazy->edges.push_back({node_of(at) + 1});
    lazy->nodes.push_back({Grammar::Kind::choice, ways, ways + 2});
    for (unsigned byte = 0; byte < 256; ++byte) {
      const auto to = text.next[at][byte];
      const NodeId target = to == FreeText::triggered ? triggered : node_of(to);
      Grammar::Edge& last = lazy->edges.back();
      if (byte > 0 && last.target == target) last.high = static_cast<std::uint8_t>(byte);
      else lazy->edges.push_back({target, static_cast<std::uint8_t>(byte), static_cast<std::uint8_t>(byte)});
    }
    lazy->nodes.push_back({Grammar::Kind::bytes, ways + 2, static_cast<std::uint32_t>(lazy->edges.size())});
  }
  lazy->nodes.push_back({Grammar::Kind::call, grammar.root, end});
  lazy->nodes.push_back({Grammar::Kind::end});
  lazy->rules.push_back({"text before a trigger", node_of(text.start)});
  lazy->root = static_cast<RuleId>(lazy->rules.size() - 1);
  HEARTH_CHECK(analyse(*lazy));
  return std::shared_ptr<const Grammar>(std::move(lazy));
}

Result<std::span<const std::uint64_t>> Constraint::mask() {
  state_.renew_if_large();
  HEARTH_TRY(const auto mask, masks_.of(state_));
  if (std::any_of(mask.begin(), mask.end(), [](std::uint64_t word) { return word != 0; })) return mask;
  return Error(Status::unsupported,
               "no token of the vocabulary goes on with the text as the grammar wants it; grammar; use characters that "
               "the model's tokens can spell");
}

Result<void> Constraint::accept(std::int32_t id) {
  const auto ends = tokens_->ends();
  const bool known = id >= 0 && static_cast<std::size_t>(id) < tokens_->size();
  if (known && std::find(ends.begin(), ends.end(), id) != ends.end()) {
    if (can_end()) return {};
  } else if (known) {
    const bool control = tokens_->text(id).empty();
    const std::string_view bytes = control ? tokens_->control(id) : tokens_->text(id);
    if (!bytes.empty() && (!control || state_.is_free())) {
      HEARTH_TRY(const bool goes_on, state_.accept(bytes));
      if (goes_on) return {};
    }
  }
  return Error(Status::invalid_argument, "token " + std::to_string(id) +
                                             " is none that the grammar allows here; grammar; choose one of its mask");
}

}  // namespace hearth::sample
