// Enters: a JSON Schema's text. Leaves: its subschemas by number, keywords checked, references and alternatives resolved.
#include "schema_document.h"

#include <algorithm>

#include "escape.h"
#include "try.h"

namespace hearth::sample {
namespace {

enum class Holds : std::uint8_t { note, value, schema, schemas, named_schemas, texts, count, number, text, flag };

/// Every keyword that is known, what its value is, and which types it speaks of.
struct Keyword {
  std::string_view name;
  Holds holds;
  unsigned types = 0;
};

constexpr Keyword keywords[] = {
    {"title", Holds::note},
    {"description", Holds::note},
    {"default", Holds::note},
    {"examples", Holds::note},
    {"$schema", Holds::note},
    {"$id", Holds::note},
    {"$comment", Holds::note},
    {"deprecated", Holds::note},
    {"readOnly", Holds::note},
    {"writeOnly", Holds::note},
    {"$defs", Holds::named_schemas},
    {"definitions", Holds::named_schemas},
    {"$ref", Holds::text},
    {"allOf", Holds::schemas},
    {"anyOf", Holds::schemas},
    {"oneOf", Holds::schemas},
    {"type", Holds::value},
    {"enum", Holds::value},
    {"const", Holds::value},
    {"properties", Holds::named_schemas, t_object},
    {"required", Holds::texts, t_object},
    {"additionalProperties", Holds::schema, t_object},
    {"patternProperties", Holds::named_schemas, t_object},
    {"minProperties", Holds::count, t_object},
    {"maxProperties", Holds::count, t_object},
    {"items", Holds::schema, t_array},
    {"prefixItems", Holds::schemas, t_array},
    {"minItems", Holds::count, t_array},
    {"maxItems", Holds::count, t_array},
    {"uniqueItems", Holds::flag, t_array},
    {"minLength", Holds::count, t_string},
    {"maxLength", Holds::count, t_string},
    {"pattern", Holds::text, t_string},
    {"format", Holds::text, t_string},
    {"minimum", Holds::number, t_number},
    {"maximum", Holds::number, t_number},
    {"exclusiveMinimum", Holds::number, t_number},
    {"exclusiveMaximum", Holds::number, t_number},
    {"multipleOf", Holds::number, t_number},
};

const Keyword* keyword_of(std::string_view name) {
  for (const Keyword& row : keywords)
    if (row.name == name) return &row;
  return nullptr;
}

struct TypeName {
  std::string_view name;
  unsigned bits;
};
constexpr TypeName type_names[] = {{"null", t_null},     {"boolean", t_boolean}, {"integer", t_integer},
                                   {"number", t_number}, {"string", t_string},   {"array", t_array},
                                   {"object", t_object}};

/// The types of a `type` keyword; 0 where it names none or an unknown one.
unsigned types_named(const JsonValue& value) {
  using Kind = JsonValue::Kind;
  if (value.is(Kind::string)) {
    for (const TypeName& row : type_names)
      if (row.name == value.text) return row.bits;
    return 0;
  }
  unsigned bits = 0;
  for (const JsonValue& item : value.items) {
    if (!item.is(Kind::string) || !types_named(item)) return 0;
    bits |= types_named(item);
  }
  return value.is(Kind::array) ? bits : 0;
}

bool is_schema(const JsonValue& value) {
  return value.is(JsonValue::Kind::object) || value.is(JsonValue::Kind::boolean);
}

bool is_count(const JsonValue& value) {
  if (!value.is(JsonValue::Kind::number)) return false;
  const auto number = decimal_of(value.text);
  return number && !number->negative && number->is_integer();
}

/// What is wrong with a keyword's value; empty: nothing.
std::string_view wrong_value(Holds holds, const JsonValue& value) {
  using Kind = JsonValue::Kind;
  const auto all = [&](auto test) { return std::all_of(value.items.begin(), value.items.end(), test); };
  const auto is = [](Kind kind) { return [kind](const JsonValue& v) { return v.is(kind); }; };
  switch (holds) {
    case Holds::note:
    case Holds::value:
      return "";
    case Holds::schema:
      return is_schema(value) ? "" : "is no schema: an object, true or false";
    case Holds::schemas:
      return value.is(Kind::array) && !value.items.empty() && all(is_schema) ? "" : "is no list of schemas";
    case Holds::named_schemas:
      return value.is(Kind::object) && all(is_schema) ? "" : "is no object of schemas";
    case Holds::texts:
      return value.is(Kind::array) && all(is(Kind::string)) ? "" : "is no list of strings";
    case Holds::count:
      return is_count(value) ? "" : "is no whole number of at least 0";
    case Holds::number:
      return value.is(Kind::number) && decimal_of(value.text) ? "" : "is no number that can be told exactly";
    case Holds::text:
      return value.is(Kind::string) ? "" : "is no string";
    case Holds::flag:
      return value.is(Kind::boolean) ? "" : "is neither true nor false";
  }
  return "";
}

/// The part of a JSON pointer before the next '/', decoded: %XX, then ~1 and ~0.
std::string decoded(std::string_view part) {
  std::string bytes, out;
  for (std::size_t i = 0; i < part.size(); ++i) {
    const auto digit = [&](std::size_t at) {
      const std::string_view hex = "0123456789abcdef0123456789ABCDEF";
      const std::size_t found = at < part.size() ? hex.find(part[at]) : std::string_view::npos;
      return found == std::string_view::npos ? -1 : static_cast<int>(found % 16);
    };
    if (part[i] == '%' && digit(i + 1) >= 0 && digit(i + 2) >= 0) {
      bytes += static_cast<char>(digit(i + 1) * 16 + digit(i + 2));
      i += 2;
    } else {
      bytes += part[i];
    }
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char next = i + 1 < bytes.size() ? bytes[i + 1] : '\0';
    if (bytes[i] == '~' && (next == '0' || next == '1')) out += next == '0' ? '~' : '/', ++i;
    else out += bytes[i];
  }
  return out;
}

}  // namespace

unsigned type_of(const JsonValue& value) {
  using Kind = JsonValue::Kind;
  switch (value.kind) {
    case Kind::null:
      return t_null;
    case Kind::boolean:
      return t_boolean;
    case Kind::number: {
      const auto number = decimal_of(value.text);
      return number && number->is_integer() ? t_integer : t_fraction;
    }
    case Kind::string:
      return t_string;
    case Kind::array:
      return t_array;
    case Kind::object:
      return t_object;
  }
  return 0;
}

Result<SchemaDocument> SchemaDocument::parse(std::string_view text) {
  if (text.size() > GrammarLimits::schema_bytes)
    return too_complex("JSON Schema", "it has " + std::to_string(text.size()) + " bytes, " +
                                          std::to_string(GrammarLimits::schema_bytes) + " are allowed");
  SchemaDocument document;
  HEARTH_TRY(JsonValue root,
             parse_json_tree(text, "JSON Schema", GrammarLimits::nesting, GrammarLimits::schema_values));
  document.root_ = std::make_unique<JsonValue>(std::move(root));
  document.number(*document.root_);
  if (!is_schema(*document.root_)) return document.wrong(0, "the schema", "is neither an object, true nor false");
  HEARTH_CHECK(document.check_keywords(0));
  return document;
}

/// Every value gets a number, in order of the text: whatever a reference points at can be named.
void SchemaDocument::number(const JsonValue& value) {
  ids_.emplace(&value, static_cast<SchemaId>(values_.size()));
  values_.push_back(&value);
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    parents_.emplace(&value.items[i], Parent{&value, i});
    number(value.items[i]);
  }
}

/// Of a long one, the end: messages and rules show no more.
std::string SchemaDocument::pointer(SchemaId id) const {
  constexpr std::size_t longest = shown_path_bytes / 2, longest_key = 64;
  std::string path;
  for (auto at = parents_.find(values_[id]); at != parents_.end(); at = parents_.find(at->second.value)) {
    if (path.size() > longest) return "#/..." + path;
    const Parent& parent = at->second;
    std::string part = std::to_string(parent.index);
    if (parent.value->is(JsonValue::Kind::object)) {
      part.clear();
      const std::string& key = parent.value->keys[parent.index];
      for (const char c : std::string_view(key).substr(0, longest_key))
        part += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
      if (key.size() > longest_key) part += "...";
    }
    path = "/" + part + path;
  }
  return path.empty() ? "#" : "#" + path;
}

Error SchemaDocument::unsupported(SchemaId id, std::string_view keyword, std::string_view what) const {
  return Error(Status::unsupported, escape(keyword) + " " + std::string(what) + "; JSON Schema, at " +
                                        escape(pointer(id), shown_path_bytes) + "; leave it out or say it otherwise");
}

Error SchemaDocument::wrong(SchemaId id, std::string_view keyword, std::string_view what) const {
  return Error(Status::invalid_argument, escape(keyword) + " " + std::string(what) + "; JSON Schema, at " +
                                             escape(pointer(id), shown_path_bytes) + "; correct the schema");
}

/// Where schemas stand, and only there: in a const or an example any key may be, until a reference leads to it.
Result<void> SchemaDocument::check_keywords(SchemaId from) const {
  std::vector<SchemaId> work{from};
  while (!work.empty()) {
    const SchemaId at = work.back();
    work.pop_back();
    if (!checked_.insert(at).second) continue;
    HEARTH_CHECK(check_one(at));
    const JsonValue& schema = value(at);
    for (std::size_t i = 0; i < schema.keys.size(); ++i) {
      const Holds holds = keyword_of(schema.keys[i])->holds;
      if (holds == Holds::schema) work.push_back(id(schema.items[i]));
      if (holds != Holds::schemas && holds != Holds::named_schemas) continue;
      for (const JsonValue& inner : schema.items[i].items) work.push_back(id(inner));
    }
  }
  return {};
}

Result<void> SchemaDocument::check_one(SchemaId at) const {
  using Kind = JsonValue::Kind;
  const JsonValue& schema = value(at);
  for (std::size_t i = 0; i < schema.keys.size(); ++i) {
    const std::string& name = schema.keys[i];
    const JsonValue& held = schema.items[i];
    const Keyword* keyword = keyword_of(name);
    if (!keyword) return unsupported(at, "\"" + name + "\"");
    if (name == "items" && held.is(Kind::array)) return unsupported(at, name, "as a list is not of draft 2020-12");
    if (const std::string_view what = wrong_value(keyword->holds, held); !what.empty()) return wrong(at, name, what);
    if (name == "type" && types_named(held) == 0) return wrong(at, name, "names no type");
    if (name == "type" && held.items.size() > std::size(type_names)) return wrong(at, name, "names a type twice");
    if (name == "enum" && (!held.is(Kind::array) || held.items.empty())) return wrong(at, name, "lists no value");
    if (held.items.size() > GrammarLimits::repetition)
      return too_complex("JSON Schema, at " + escape(pointer(at), shown_path_bytes),
                         name + " lists more than " + std::to_string(GrammarLimits::repetition));
    if (name == "uniqueItems" && held.flag) return unsupported(at, name);
    if (name == "$id" && at != 0) return unsupported(at, name, "inside a schema is not supported");
  }
  return {};
}

Result<SchemaId> SchemaDocument::target(SchemaId from, const std::string& reference) const {
  if (reference.empty() || reference[0] != '#')
    return unsupported(from, "$ref", "to \"" + escape(reference) + "\" is not supported: nothing is fetched");
  HEARTH_CHECK(spend_bytes(reference.size()));
  const JsonValue* at = root_.get();
  std::string_view rest = std::string_view(reference).substr(1);
  if (!rest.empty() && rest[0] != '/') return unsupported(from, "$ref", "to an anchor is not supported");
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const std::string key = decoded(rest.substr(0, end));
    rest.remove_prefix(end);
    if (at->is(JsonValue::Kind::array)) {
      const bool index = !key.empty() && key.size() < 8 && key.find_first_not_of("0123456789") == std::string::npos;
      const std::size_t i = index ? std::stoul(key) : at->items.size();
      at = i < at->items.size() ? &at->items[i] : nullptr;
    } else {
      at = at->find(key);
    }
    if (!at) return wrong(from, "$ref", "to \"" + escape(reference) + "\" leads nowhere");
  }
  if (!is_schema(*at)) return wrong(from, "$ref", "to \"" + escape(reference) + "\" leads to no schema");
  HEARTH_CHECK(check_keywords(id(*at)));  // it may lie where no schema is looked for
  return id(*at);
}

unsigned SchemaDocument::stated_types(const Conjunction& all) const {
  unsigned bits = t_any;
  for (const SchemaId at : all)
    if (const JsonValue* type = value(at).find("type")) bits &= types_named(*type);
  return bits;
}

bool SchemaDocument::has_types(const Conjunction& all) const {
  return std::any_of(all.begin(), all.end(), [&](SchemaId at) { return value(at).find("type"); });
}

unsigned SchemaDocument::implied_types(const Conjunction& all) const {
  unsigned bits = 0;
  for (const SchemaId at : all)
    for (const std::string& name : value(at).keys) bits |= keyword_of(name)->types;
  return bits;
}

unsigned SchemaDocument::types(const Conjunction& all) const {
  const unsigned stated = stated_types(all), implied = implied_types(all);
  const bool only_objects = std::any_of(all.begin(), all.end(), [&](SchemaId at) { return of_objects_.contains(at); });
  return (has_types(all) || implied == 0 ? stated : implied) & (only_objects ? t_object : t_any);
}

Result<std::string> SchemaDocument::spelled(const JsonValue& value) const {
  std::string text = canonical_json(value);
  HEARTH_CHECK(spend(1));
  HEARTH_CHECK(spend_bytes(text.size()));
  return text;
}

Result<std::unordered_set<std::string>> SchemaDocument::spelled(const std::vector<const JsonValue*>& values) const {
  std::unordered_set<std::string> texts;
  for (const JsonValue* value : values) {
    HEARTH_TRY(std::string text, spelled(*value));
    texts.insert(std::move(text));
  }
  return texts;
}

Result<std::optional<std::vector<const JsonValue*>>> SchemaDocument::constants(const Conjunction& all) const {
  std::optional<std::vector<const JsonValue*>> left;
  for (const SchemaId at : all) {
    for (const char* name : {"const", "enum"}) {
      const JsonValue* held = value(at).find(name);
      if (!held) continue;
      std::vector<const JsonValue*> listed;
      if (name[0] == 'c') listed.push_back(held);
      else
        for (const JsonValue& item : held->items) listed.push_back(&item);
      HEARTH_CHECK(spend(listed.size()));
      if (!left) {
        left = std::move(listed);
        continue;
      }
      HEARTH_TRY(const auto texts, spelled(listed));
      std::vector<const JsonValue*> in_both;
      for (const JsonValue* v : *left) {
        HEARTH_TRY(const std::string text, spelled(*v));
        if (texts.contains(text)) in_both.push_back(v);
      }
      left = std::move(in_both);
    }
  }
  if (!left) return left;
  const unsigned types = stated_types(all);
  for (const JsonValue* v : *left)
    if (v->is(JsonValue::Kind::number)) HEARTH_CHECK(spend_bytes(v->text.size()));  // its digits say what it is
  std::erase_if(*left, [&](const JsonValue* v) { return !(type_of(*v) & types); });
  return left;
}

Result<std::unordered_set<std::string_view>> SchemaDocument::required_keys(const Conjunction& all) const {
  std::unordered_set<std::string_view> keys;
  for (const SchemaId at : all) {
    const JsonValue* list = value(at).find("required");
    if (!list) continue;
    HEARTH_CHECK(spend(list->items.size()));
    for (const JsonValue& key : list->items) {
      HEARTH_CHECK(spend_bytes(key.text.size()));
      keys.insert(key.text);
    }
  }
  return keys;
}

Conjunction SchemaDocument::property(const Conjunction& all, std::string_view key, bool& listed) const {
  Conjunction schemas;
  listed = false;
  for (const SchemaId at : all) {
    const JsonValue* named = value(at).find("properties");
    const JsonValue* own = named ? named->find(key) : nullptr;
    // Beside patterns, additionalProperties speaks of the keys that match none.
    const JsonValue* patterns = value(at).find("patternProperties");
    const bool by_pattern = patterns && !patterns->items.empty();
    const JsonValue* others = by_pattern ? nullptr : value(at).find("additionalProperties");
    const JsonValue* holds = own ? own : others;
    listed |= own != nullptr;
    if (!holds) continue;
    const SchemaId schema = id(*holds);
    if (std::find(schemas.begin(), schemas.end(), schema) == schemas.end()) schemas.push_back(schema);
  }
  return schemas;
}

}  // namespace hearth::sample
