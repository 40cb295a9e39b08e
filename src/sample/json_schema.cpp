// Enters: a JSON Schema (draft 2020-12). Leaves: a Grammar all of whose texts are valid against it.
#include "json_schema.h"

#include <algorithm>
#include <map>
#include <unordered_set>

#include "escape.h"
#include "json_formats.h"
#include "json_text_grammar.h"
#include "regex_grammar.h"
#include "schema_document.h"
#include "try.h"

namespace hearth::sample {
namespace {

using Expr = GrammarBuilder::Expr;

/// A rule for each list of schemas that hold together: a schema that comes back to itself is a rule that calls itself.
class SchemaCompiler {
 public:
  SchemaCompiler(const SchemaDocument& document, GrammarBuilder& builder) : d_(document), builder_(builder) {}

  /// The rule of the whole schema.
  Result<RuleId> compile() {
    const RuleId root = rule_for({0});
    while (!open_.empty()) {
      const auto [schemas, rule] = std::move(open_.back());
      open_.pop_back();
      HEARTH_TRY(const Expr body, value(schemas));
      builder_.define(rule, body);
      HEARTH_CHECK(builder_.fits(where));
    }
    return root;
  }

 private:
  static constexpr std::string_view where = "JSON Schema";

  RuleId rule_for(const Conjunction& schemas) {
    const auto [at, added] = rules_.try_emplace(schemas);
    if (added) {
      at->second = builder_.declare(schemas.empty() ? "value" : d_.pointer(schemas.front()));
      open_.emplace_back(schemas, at->second);
    }
    return at->second;
  }
  Expr call(const Conjunction& schemas) {
    return schemas.empty() ? text_.any_value() : builder_.call(rule_for(schemas));
  }

  Result<Expr> value(const Conjunction& schemas) {
    HEARTH_TRY(const auto ways, d_.expand(schemas));
    std::vector<Expr> all;
    for (const Conjunction& way : ways) {
      HEARTH_TRY(const Expr one, alternative(way));
      HEARTH_CHECK(builder_.fits(where));
      all.push_back(one);
    }
    return builder_.choice(std::move(all));
  }

  Result<Expr> alternative(const Conjunction& all) {
    HEARTH_TRY(const auto values, d_.constants(all));
    if (values) return constants(all, *values);
    const unsigned types = d_.types(all);
    if (types == t_any && d_.implied_types(all) == 0) return text_.any_value();
    using Make = Result<Expr> (SchemaCompiler::*)(const Conjunction&);
    struct Row {
      unsigned bits;
      Make make;
    };
    constexpr Row rows[] = {{t_null, &SchemaCompiler::null},     {t_boolean, &SchemaCompiler::boolean},
                            {t_number, &SchemaCompiler::number}, {t_string, &SchemaCompiler::string},
                            {t_array, &SchemaCompiler::array},   {t_object, &SchemaCompiler::object}};
    std::vector<Expr> ways;
    for (const Row& row : rows) {
      if (!(types & row.bits)) continue;
      HEARTH_TRY(const Expr one, (this->*row.make)(all));
      ways.push_back(one);
    }
    return builder_.choice(std::move(ways));
  }

  /// Values that are listed: what else is said of them would have to be held against each.
  Result<Expr> constants(const Conjunction& all, const std::vector<const JsonValue*>& values) {
    for (const SchemaId at : all) {
      for (const char* name :
           {"minLength", "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
            "multipleOf", "items", "prefixItems", "minItems", "maxItems", "properties", "required",
            "additionalProperties", "patternProperties", "minProperties", "maxProperties"})
        if (d_.value(at).find(name)) return d_.unsupported(at, name, "beside enum or const is not supported");
    }
    std::vector<std::string> texts;
    std::vector<Expr> ways;
    for (const JsonValue* value : values) {
      using Kind = JsonValue::Kind;
      if (value->is(Kind::array) || value->is(Kind::object)) ways.push_back(text_.constant(*value));
      else texts.push_back(json_scalar(*value));
    }
    if (!texts.empty()) ways.push_back(builder_.one_of(std::move(texts)));
    return builder_.choice(std::move(ways));
  }

  Result<Expr> null(const Conjunction&) { return builder_.literal("null"); }
  Result<Expr> boolean(const Conjunction&) { return builder_.one_of({"true", "false"}); }

  // ---- numbers ----
  Result<Expr> number(const Conjunction& all) {
    std::optional<NumberBound> lower, upper;
    const bool whole = !(d_.types(all) & t_fraction);
    SchemaId bounded = 0;
    for (const SchemaId at : all) {
      struct Row {
        const char* name;
        bool is_lower, exclusive;
      };
      constexpr Row rows[] = {{"minimum", true, false},
                              {"exclusiveMinimum", true, true},
                              {"maximum", false, false},
                              {"exclusiveMaximum", false, true}};
      for (const Row& row : rows) {
        const JsonValue* held = d_.value(at).find(row.name);
        if (!held) continue;
        auto& bound = row.is_lower ? lower : upper;
        if (bound) return d_.unsupported(at, row.name, "beside another bound of the same side is not supported");
        HEARTH_CHECK(d_.spend_bytes(held->text.size()));
        bound = {*decimal_of(held->text), row.exclusive};
        bounded = at;
      }
      if (const JsonValue* step = d_.value(at).find("multipleOf")) {
        HEARTH_CHECK(d_.spend_bytes(step->text.size()));
        const auto of = decimal_of(step->text);
        if (!whole || of->negative || of->digits != "1" || of->exponent != 0) return d_.unsupported(at, "multipleOf");
      }
    }
    if (whole) return text_.integers(lower, upper);
    if (!lower && !upper) return text_.any_number();
    if (const auto made = text_.decimals(lower, upper)) return *made;
    return d_.unsupported(bounded, "a bound", "of more than 15 digits is not supported for numbers that are not whole");
  }

  // ---- strings ----
  Result<Expr> string(const Conjunction& all) {
    HEARTH_TRY(const Counts length, counts(all, "minLength", "maxLength"));
    std::optional<Expr> inside;
    for (const SchemaId at : all) {
      for (const char* name : {"pattern", "format"}) {
        const JsonValue* held = d_.value(at).find(name);
        if (!held) continue;
        if (inside) return d_.unsupported(at, name, "beside another pattern or format is not supported");
        if (length.any) return d_.unsupported(at, name, "beside minLength or maxLength is not supported");
        HEARTH_TRY(inside, name[0] == 'p' ? pattern(at, held->text) : format(at, held->text));
      }
    }
    return inside ? text_.quoted(*inside) : text_.string(length.least, length.most);
  }

  Result<Expr> pattern(SchemaId at, const std::string& regex) {
    HEARTH_CHECK(d_.spend(regex.size()));  // it is compiled for each rule that it stands in
    return regex_search(builder_, regex, spell(),
                        "JSON Schema, pattern at " + escape(d_.pointer(at), shown_path_bytes));
  }
  Result<Expr> format(SchemaId at, const std::string& name) {
    for (const JsonFormat& row : json_formats())
      if (row.name == name) return regex_match(builder_, row.regex, spell(), name);
    return d_.unsupported(at, "format", "\"" + escape(name) + "\" is not supported");
  }
  SpellCharacters spell() {
    return [this](const CharacterSet& set) { return text_.characters(set); };
  }

  struct Counts {
    std::uint32_t least = 0;
    std::optional<std::uint32_t> most{};
    bool any = false;
  };
  /// The strictest of several schemas' bounds.
  Result<Counts> counts(const Conjunction& all, const char* least, const char* most) {
    Counts found;
    for (const SchemaId at : all) {
      for (const char* name : {least, most}) {
        const JsonValue* held = d_.value(at).find(name);
        if (!held) continue;
        HEARTH_CHECK(d_.spend_bytes(held->text.size()));
        const Decimal number = *decimal_of(held->text);
        std::uint64_t count = 0;
        for (std::int64_t i = 0; i < std::ssize(number.digits) + (number.digits.empty() ? 0 : number.exponent); ++i) {
          count = count * 10 + (i < std::ssize(number.digits)
                                    ? static_cast<std::uint64_t>(number.digits[static_cast<std::size_t>(i)] - '0')
                                    : 0);
          if (count > GrammarLimits::repetition)
            return d_.unsupported(at, name, "above " + std::to_string(GrammarLimits::repetition) + " is not supported");
        }
        const auto n = static_cast<std::uint32_t>(count);
        found.any = true;
        if (name == least) found.least = std::max(found.least, n);
        else found.most = std::min(found.most.value_or(n), n);
      }
    }
    if (found.most && *found.most < found.least)
      return d_.wrong(all.front(), most, "is less than " + std::string(least));
    return found;
  }

  // ---- arrays ----
  Result<Expr> array(const Conjunction& all) {
    HEARTH_TRY(Counts n, counts(all, "minItems", "maxItems"));
    std::size_t n_listed = 0;
    bool rest_given = false;
    for (const SchemaId at : all) {
      if (const JsonValue* list = d_.value(at).find("prefixItems")) n_listed = std::max(n_listed, list->items.size());
      rest_given |= d_.value(at).find("items") != nullptr;
    }
    // Items that no schema speaks of come only where the least count wants them.
    const bool closed = n_listed > 0 && !rest_given;
    if (closed)
      n.most = std::min<std::uint32_t>(n.most.value_or(UINT32_MAX),
                                       std::max<std::uint32_t>(n.least, static_cast<std::uint32_t>(n_listed)));
    const auto listed = static_cast<std::uint32_t>(std::min<std::size_t>(n_listed, n.most.value_or(UINT32_MAX)));
    HEARTH_CHECK(d_.spend(all.size() * std::uint64_t{listed}));

    // From the end: what follows item i, each with its comma.
    const auto after = [&](std::uint32_t least, std::optional<std::uint32_t> most) {
      return builder_.repeat(builder_.sequence({text_.comma(), call(item(all, n_listed))}), least, most);
    };
    const std::uint32_t first_rest = std::max<std::uint32_t>(listed, 1);
    std::optional<std::uint32_t> most_rest;
    if (n.most) most_rest = *n.most - std::min(*n.most, first_rest);
    Expr tail = after(n.least - std::min(n.least, first_rest), most_rest);
    for (std::uint32_t i = first_rest; i-- > 1;) {
      tail = builder_.sequence({text_.comma(), call(item(all, i)), tail});
      if (n.least <= i) tail = builder_.optional(tail);
    }
    if (n.most == 0u) return text_.enclosed("[", builder_.empty(), "]");
    Expr items = builder_.sequence({call(item(all, 0)), tail, text_.white_space()});
    if (n.least == 0) items = builder_.optional(items);
    return text_.enclosed("[", items, "]");
  }

  /// What item `i` must meet.
  Conjunction item(const Conjunction& all, std::size_t i) const {
    Conjunction schemas;
    for (const SchemaId at : all) {
      const JsonValue* list = d_.value(at).find("prefixItems");
      const JsonValue* holds = list && i < list->items.size() ? &list->items[i] : d_.value(at).find("items");
      if (holds) schemas.push_back(d_.id(*holds));
    }
    return schemas;
  }

  // ---- objects ----
  Result<Expr> object(const Conjunction& all) {
    HEARTH_TRY(const std::vector<std::string> names, names_of(all));
    HEARTH_TRY(const std::optional<Expr> further, further_member(all, names));
    HEARTH_CHECK(check_count(all, names, further.has_value()));
    if (names.empty() && !further) return text_.enclosed("{", builder_.empty(), "}");
    HEARTH_TRY(const Expr inside, members(all, names, further));
    return text_.enclosed("{", inside, "}");
  }

  /// The keys that some schema names, in order of the text, those that are only required last.
  Result<std::vector<std::string>> names_of(const Conjunction& all) {
    std::vector<std::string> names;
    std::unordered_set<std::string_view> known;
    const auto add = [&](const std::string& name) {
      if (known.insert(name).second) names.push_back(name);
    };
    for (const SchemaId at : all)
      if (const JsonValue* held = d_.value(at).find("properties"))
        for (const std::string& name : held->keys) add(name);
    for (const SchemaId at : all) {
      const JsonValue* held = d_.value(at).find("required");
      if (!held) continue;
      HEARTH_CHECK(d_.spend(held->items.size()));  // a key may come many times
      for (const JsonValue& item : held->items) add(item.text);
    }
    if (names.size() > GrammarLimits::repetition)
      return too_complex("JSON Schema, at " + escape(d_.pointer(all.front()), shown_path_bytes),
                         "an object has more than " + std::to_string(GrammarLimits::repetition) + " keys");
    HEARTH_CHECK(d_.spend(all.size() * std::uint64_t{names.size()}));  // each is looked up in each
    return names;
  }

  /// From the last key to the first: what may follow when a member stands before it, and when none does.
  Result<Expr> members(const Conjunction& all, const std::vector<std::string>& names, std::optional<Expr> further) {
    const Expr blank = text_.white_space();
    HEARTH_TRY(const auto required_keys, d_.required_keys(all));
    Expr rest = blank, begin = builder_.empty();
    if (further) {
      rest = builder_.shared(
          "more members",
          builder_.sequence({builder_.repeat(builder_.sequence({text_.comma(), *further}), 0, {}), blank}));
      begin = builder_.optional(builder_.sequence({*further, rest}));
    }
    for (std::size_t i = names.size(); i-- > 0;) {
      bool listed = false;
      const Conjunction schemas = d_.property(all, names[i], listed);
      const Expr key = builder_.sequence({builder_.literal(json_quoted(names[i]) + ":"), blank});
      const Expr member = builder_.shared("member " + names[i], builder_.sequence({key, call(schemas)}));
      const Expr with_comma = builder_.sequence({text_.comma(), member});
      const bool required = required_keys.contains(names[i]);
      const Expr begin_here = builder_.sequence({member, rest});
      begin = required ? begin_here : builder_.shared("members", builder_.choice({begin_here, begin}));
      rest = builder_.shared("more members",
                             builder_.sequence({required ? with_comma : builder_.optional(with_comma), rest}));
    }
    return begin;
  }

  /// A member whose key is not listed, if such may come.
  Result<std::optional<Expr>> further_member(const Conjunction& all, const std::vector<std::string>& names) {
    for (const SchemaId at : all)
      if (const JsonValue* patterns = d_.value(at).find("patternProperties"); patterns && !patterns->items.empty())
        return pattern_member(all, at, *patterns, names);
    bool listed = false, given = false;
    Conjunction schemas;
    for (const SchemaId at : all) {
      listed |= d_.value(at).find("properties") != nullptr;
      const JsonValue* others = d_.value(at).find("additionalProperties");
      if (!others) continue;
      given = true;
      if (others->is(JsonValue::Kind::boolean) && !others->flag) return std::optional<Expr>();
      schemas.push_back(d_.id(*others));
    }
    if (listed && !given) return std::optional<Expr>();
    const std::optional<Expr> key = text_.string_but(names);
    if (!key)
      return d_.unsupported(all.front(), "additionalProperties", "beside keys of so many characters is not supported");
    return std::optional(builder_.shared(
        "another member", builder_.sequence({*key, builder_.literal(":"), text_.white_space(), call(schemas)})));
  }

  /// Keys that match the one pattern. With other keys or patterns beside it, some would have to meet two schemas.
  Result<std::optional<Expr>> pattern_member(const Conjunction& all, SchemaId at, const JsonValue& patterns,
                                             const std::vector<std::string>& names) {
    if (all.size() > 1 || patterns.items.size() > 1 || !names.empty())
      return d_.unsupported(at, "patternProperties", "beside other keys, patterns or schemas is not supported");
    HEARTH_TRY(const Expr key, pattern(at, patterns.keys.front()));
    return std::optional(
        builder_.shared("member", builder_.sequence({text_.quoted(key), builder_.literal(":"), text_.white_space(),
                                                     call({d_.id(patterns.items.front())})})));
  }

  /// How many members there are is known only where all must come, or none beyond those listed may.
  Result<void> check_count(const Conjunction& all, const std::vector<std::string>& names, bool further) {
    HEARTH_TRY(const Counts n, counts(all, "minProperties", "maxProperties"));
    if (!n.any) return {};
    HEARTH_TRY(const auto required_keys, d_.required_keys(all));
    if (n.least > required_keys.size())
      return d_.unsupported(all.front(), "minProperties", "above the number of required keys is not supported");
    if (n.most && (further || *n.most < names.size()))
      return d_.unsupported(all.front(), "maxProperties", "below the number of possible keys is not supported");
    return {};
  }

  const SchemaDocument& d_;
  GrammarBuilder& builder_;
  JsonText text_{builder_};
  std::map<Conjunction, RuleId> rules_;
  std::vector<std::pair<Conjunction, RuleId>> open_;
};

}  // namespace

Result<std::shared_ptr<const Grammar>> parse_json_schema(std::string_view text) {
  HEARTH_TRY(const SchemaDocument document, SchemaDocument::parse(text));
  GrammarBuilder builder;
  HEARTH_TRY(const RuleId root, SchemaCompiler(document, builder).compile());
  auto grammar = builder.build(root);
  if (!grammar && grammar.error().status() == Status::invalid_argument)
    return Error(Status::invalid_argument,
                 "no value is valid, or none of finite size; JSON Schema, at #; loosen what contradicts itself");
  return grammar;
}

Result<RuleId> json_schema_rule(GrammarBuilder& builder, std::string_view text) {
  HEARTH_TRY(const SchemaDocument document, SchemaDocument::parse(text));
  return SchemaCompiler(document, builder).compile();
}

}  // namespace hearth::sample
