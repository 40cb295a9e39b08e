// Enters: a grammar's text in GBNF. Leaves: a Grammar, or an error with line and column.
#include "grammar_parser.h"

#include <algorithm>
#include <map>

#include "escape.h"
#include "grammar_builder.h"
#include "json_schema.h"
#include "json_tree.h"
#include "open_groups.h"
#include "pattern_reader.h"
#include "try.h"
#include "utf8.h"

namespace hearth::sample {
namespace {

using Expr = GrammarBuilder::Expr;

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

class GbnfParser {
 public:
  explicit GbnfParser(std::string_view text) : in_(text, "grammar") {}

  Result<std::shared_ptr<const Grammar>> parse() {
    skip_blank(true);
    while (!in_.at_end()) {
      HEARTH_CHECK(rule());
      skip_blank(true);
    }
    const auto root = rules_.find("root");
    if (root == rules_.end() || !root->second.defined)
      return in_.error_at(in_.size(), "there is no rule named root", "name the rule that texts begin with root");
    HEARTH_CHECK(all_in_use());
    return builder_.build(root->second.id, written_);
  }

 private:
  struct Named {
    RuleId id = 0;
    std::size_t first_seen = 0;
    bool defined = false;
    std::vector<std::string> uses{};
  };

  void skip_blank(bool newlines) {
    while (!in_.at_end()) {
      const char c = in_.peek();
      if (c == '#') {
        while (!in_.at_end() && in_.peek() != '\n' && in_.peek() != '\r') in_.next();
      } else if (c == ' ' || c == '\t' || (newlines && (c == '\n' || c == '\r'))) {
        in_.next();
      } else {
        return;
      }
    }
  }

  std::string_view name() {
    const std::size_t begin = in_.position();
    while (!in_.at_end() && is_name(in_.peek())) in_.next();
    return in_.slice(begin);
  }

  Named& named(std::string_view name, std::size_t position) {
    const auto [at, added] = rules_.try_emplace(std::string(name));
    if (added) {
      at->second = {builder_.declare(std::string(name)), position};
      written_.push_back(at->second.id);
    }
    return at->second;
  }

  Result<void> rule() {
    const std::size_t begin = in_.position();
    const std::string_view rule_name = name();
    if (rule_name.empty()) return in_.error("a rule's name is expected", "write name ::= alternatives");
    current_ = rule_name;
    skip_blank(false);
    if (!in_.skip("::=")) return in_.error("::= is expected after " + escape(rule_name), "write name ::= alternatives");
    {
      Named& rule = named(rule_name, begin);
      if (rule.defined)
        return in_.error_at(begin, "the rule " + escape(rule_name) + " is defined twice", "put | between alternatives");
      rule.defined = true;
      rule.first_seen = begin;
    }
    skip_blank(true);
    HEARTH_TRY(const Expr all, body());
    builder_.define(rules_.find(rule_name)->second.id, all);
    if (!in_.at_end() && in_.peek() != '\n' && in_.peek() != '\r')
      return in_.error("this is no part of rule " + escape(rule_name), "begin a rule on a line of its own");
    return {};
  }

  Result<Expr> body() {
    OpenGroups groups(builder_);
    skip_blank(true);
    for (;;) {
      const bool in_group = groups.depth() > 0;
      skip_blank(in_group);
      if (in_.peek() == '(') {
        HEARTH_CHECK(groups.open(in_, "give inner groups rules of their own"));
        in_.next();
      } else if (!ends_alternative(in_group)) {
        HEARTH_TRY(const Expr part, element());
        HEARTH_CHECK(add_repeated(groups, part));
      } else {
        groups.end_alternative();
        if (another_alternative(in_group)) continue;
        if (!in_group) return groups.close();
        if (!in_.skip(")"))
          return in_.error_at(groups.begin(), "the group is not closed, in rule " + escape(current_), "add )");
        HEARTH_CHECK(add_repeated(groups, groups.close()));
      }
    }
  }

  bool ends_alternative(bool in_group) {
    if (in_.at_end() || std::string_view("|)\n\r").find(in_.peek()) != std::string_view::npos) return true;
    return !in_group && begins_rule();
  }

  /// A line that begins with | goes on with the rule of the line before.
  bool another_alternative(bool in_group) {
    skip_blank(in_group);
    const std::size_t here = in_.position();
    skip_blank(true);
    if (in_.skip("|")) {
      skip_blank(true);
      return true;
    }
    in_.back_to(here);
    return false;
  }

  /// After `name ::=` and a line break the body may be missing: then what follows is the next rule.
  bool begins_rule() {
    const std::size_t here = in_.position();
    const bool named = !name().empty();
    skip_blank(false);
    const bool begins = named && in_.skip("::=");
    in_.back_to(here);
    return begins;
  }

  Result<Expr> element() {
    const std::size_t begin = in_.position();
    const char c = in_.peek();
    if (c == '"') return literal();
    if (c == '[') return character_class();
    if (in_.skip("%json")) return json_value(begin);
    if (in_.skip(".")) return builder_.characters(CharacterSet::all());
    const std::string_view rule_name = name();
    if (rule_name.empty())
      return in_.error("'" + escape(in_.slice_of(begin, 1)) + "' begins no literal, class, group or rule",
                       "quote what is meant literally");
    Named& rule = named(rule_name, begin);
    rules_.find(current_)->second.uses.emplace_back(rule_name);
    return builder_.call(rule.id);
  }

  Result<Expr> json_value(std::size_t begin) {
    skip_blank(true);
    const std::size_t schema = in_.position(),
                      length = json_object_length(in_.slice_of(schema, std::string_view::npos));
    if (length == 0)
      return in_.error_at(begin, "no JSON Schema follows %json, in rule " + escape(current_), "write %json {…}");
    in_.back_to(schema + length);
    HEARTH_TRY(const RuleId value, json_schema_rule(builder_, in_.slice(schema)));
    written_.push_back(value);
    return builder_.call(value);
  }

  Result<void> add_repeated(OpenGroups& groups, Expr part) {
    for (;;) {
      skip_blank(groups.depth() > 0);
      if (in_.at_end() || std::string_view("?*+{").find(in_.peek()) == std::string_view::npos) break;
      HEARTH_TRY(const Repetition times, in_.repetition());
      part = builder_.repeat(part, times.least, times.most);
    }
    groups.add(part);
    return {};
  }

  Result<Expr> literal() {
    const std::size_t begin = in_.position();
    in_.next();
    std::string bytes;
    for (;;) {
      if (in_.at_end() || in_.peek() == '\n')
        return in_.error_at(begin, "the literal is not closed, in rule " + escape(current_), "add \"");
      if (in_.skip("\"")) return builder_.literal(bytes);
      HEARTH_TRY(const std::uint32_t code, character());
      append_utf8(bytes, static_cast<std::int32_t>(code));
    }
  }

  Result<Expr> character_class() {
    const std::size_t begin = in_.position();
    in_.next();
    const bool negated = in_.skip("^");
    CharacterSet set;
    for (;;) {
      if (in_.at_end() || in_.peek() == '\n')
        return in_.error_at(begin, "the character class is not closed, in rule " + escape(current_), "add ]");
      if (in_.skip("]")) break;
      const std::size_t range_begin = in_.position();
      HEARTH_TRY(const std::uint32_t first, character());
      std::uint32_t last = first;
      if (!in_.at_end() && in_.peek() == '-' && in_.peek(1) != ']') {
        in_.next();
        if (in_.at_end()) continue;
        HEARTH_TRY(last, character());
      }
      if (last < first) return in_.error_at(range_begin, "the range runs backwards", "put the lower character first");
      set.add(first, last);
    }
    if (set.empty()) return in_.error_at(begin, "the character class is empty", "write . for any character");
    return builder_.characters(negated ? set.complement() : std::move(set));
  }

  /// One character of a literal or a class.
  Result<std::uint32_t> character() {
    if (in_.peek() != '\\') return in_.character();
    struct Escape {
      char letter;
      std::uint32_t code;
      int n_digits;
    };
    constexpr Escape escapes[] = {{'n', '\n', 0}, {'r', '\r', 0}, {'t', '\t', 0}, {'\\', '\\', 0},
                                  {'"', '"', 0},  {'[', '[', 0},  {']', ']', 0},  {'^', '^', 0},
                                  {'-', '-', 0},  {'x', 0, 2},    {'u', 0, 4},    {'U', 0, 8}};
    const std::size_t begin = in_.position();
    in_.next();
    const char letter = in_.at_end() ? '\0' : in_.peek();
    for (const Escape& row : escapes) {
      if (letter != row.letter) continue;
      in_.next();
      if (row.n_digits == 0) return row.code;
      return in_.hexadecimal(row.n_digits, begin);
    }
    return in_.error_at(begin, "'" + escape(in_.slice_of(begin, 2)) + "' is no escape",
                        "use \\n \\r \\t \\\\ \\\" \\[ \\] \\^ \\- \\xHH \\uHHHH or \\UHHHHHHHH");
  }

  Result<void> all_in_use() const {
    std::map<std::string, bool, std::less<>> reached;
    std::vector<std::string> work{"root"};
    while (!work.empty()) {
      const std::string at = std::move(work.back());
      work.pop_back();
      if (std::exchange(reached[at], true)) continue;
      const std::vector<std::string>& uses = rules_.find(at)->second.uses;
      work.insert(work.end(), uses.begin(), uses.end());
    }
    for (const auto& [rule_name, rule] : rules_) {
      if (!rule.defined)
        return in_.error_at(rule.first_seen, "the rule " + escape(rule_name) + " is not defined", "define it");
      if (!reached[rule_name])
        return in_.error_at(rule.first_seen, "the rule " + escape(rule_name) + " is not reached from root",
                            "use it or delete it");
    }
    return {};
  }

  PatternReader in_;
  GrammarBuilder builder_;
  std::map<std::string, Named, std::less<>> rules_;
  std::vector<RuleId> written_;  // by the caller, each %json too: what a schema makes of its parts may be impossible
  std::string current_;
};

}  // namespace

Result<std::shared_ptr<const Grammar>> parse_gbnf(std::string_view text) {
  if (text.size() > GrammarLimits::text_bytes)
    return too_complex("grammar", "it has " + std::to_string(text.size()) + " bytes, " +
                                      std::to_string(GrammarLimits::text_bytes) + " are allowed");
  return GbnfParser(text).parse();
}

}  // namespace hearth::sample
