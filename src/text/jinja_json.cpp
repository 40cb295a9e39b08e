// Enters: JSON text, or a value. Leaves: the value, or its JSON text as Python's json.dumps writes it.
#include <algorithm>

#include "escape.h"
#include "jinja_operators.h"
#include "jinja_runtime.h"
#include "jinja_unicode.h"
#include "json_events.h"
#include "try.h"

namespace hearth::text::jinja {
namespace {

/// Builds values from the parser's events: no tree in between, keys in the order they came.
class Builder : public JsonEvents {
 public:
  explicit Builder(Runtime& rt) : rt_(rt) {}

  bool null() override { return put(Value::none()); }
  bool boolean(bool value) override { return put(Value::boolean(value)); }
  bool integer(std::int64_t value) override { return put(Value::integer(value)); }
  bool natural(std::uint64_t value) override {
    if (value > INT64_MAX) return refuse("a whole number needs more than 64 bits");
    return put(Value::integer(static_cast<std::int64_t>(value)));
  }
  bool real(double value, const std::string& spelled) override {
    const bool whole = spelled.find_first_not_of("-0123456789") == std::string::npos;
    if (whole) return refuse("a whole number needs more than 64 bits");
    return put(Value::real(value));
  }
  bool string(std::string& value) override { return put(rt_.text(value)); }
  bool start_object() override { return open(true); }
  bool start_array() override { return open(false); }
  bool key(std::string& name) override {
    open_.back().key = rt_.text(name);
    return true;
  }
  bool end_object() override {
    const auto dict = open_.back().dict;
    open_.pop_back();
    return put(rt_.dict(dict));
  }
  bool end_array() override {
    std::vector<Value> items = std::move(open_.back().items);
    open_.pop_back();
    return put(rt_.list(std::move(items)));
  }
  void broken(std::size_t byte, bool too_large) override {
    refuse(too_large ? "a number is out of range" : "byte " + std::to_string(byte) + " breaks JSON");
  }

  Value result;
  std::string refused;

 private:
  struct Open {
    std::shared_ptr<Dict> dict;  // null: an array
    std::vector<Value> items;
    Value key;
  };

  bool refuse(std::string why) {
    if (refused.empty()) refused = std::move(why);
    return false;
  }
  bool open(bool object) {
    if (open_.size() >= rt_.limits().value_depth)
      return refuse("it is nested more than " + std::to_string(rt_.limits().value_depth) + " deep");
    open_.push_back({object ? std::make_shared<Dict>() : nullptr, {}, {}});
    return true;
  }
  bool put(Value value) {
    if (auto fits = rt_.room(0); !fits) return refuse(fits.error().message());
    if (open_.empty()) result = std::move(value);
    else if (open_.back().dict) open_.back().dict->set(open_.back().key, value);
    else open_.back().items.push_back(std::move(value));
    return true;
  }

  Runtime& rt_;
  std::vector<Open> open_;
};

void append_unit(std::string& out, unsigned unit) {
  out += "\\u";
  append_hex(out, unit, 4);
}

void append_json_char(std::string& out, char32_t code, bool ascii) {
  constexpr std::string_view named = "\"\\\n\r\t\b\f", letters = "\"\\nrtbf";
  const std::size_t at = code < 0x80 ? named.find(static_cast<char>(code)) : std::string_view::npos;
  if (at != std::string_view::npos) {
    out += '\\';
    out += letters[at];
  } else if (code < 0x20 || (ascii && code > 0x7e && code < 0x10000)) {
    append_unit(out, code);
  } else if (ascii && code >= 0x10000) {
    append_unit(out, 0xd800 + ((code - 0x10000) >> 10));
    append_unit(out, 0xdc00 + ((code - 0x10000) & 0x3ff));
  } else {
    append_char(out, code);
  }
}

class Writer {
 public:
  Writer(Runtime& rt, const JsonStyle& style, std::string& out) : rt_(rt), style_(style), out_(out) {}

  Result<void> write(const Value& value, std::size_t depth) {
    const std::size_t before = out_.size();
    HEARTH_CHECK(append(value, depth));
    HEARTH_CHECK(rt_.step(out_.size() - before));
    return rt_.room(out_.size());
  }

 private:
  Result<void> append(const Value& value, std::size_t depth) {
    switch (value.kind()) {
      case Kind::none:
        out_ += "null";
        return {};
      case Kind::boolean:
        out_ += value.integer() ? "true" : "false";
        return {};
      case Kind::integer:
        out_ += std::to_string(value.integer());
        return {};
      case Kind::real:
        out_ += real(value.real());
        return {};
      case Kind::string:
        string(value.text());
        return {};
      case Kind::list:
      case Kind::tuple:
        return array(value.as<Array>().items, depth);
      case Kind::dict:
        return object(value.as<Dict>(), depth);
      default:
        return failure("a value of type " + std::string(type_name(value)) + " has no JSON form");
    }
  }

  static std::string real(double value) {
    const std::string text = float_text(value);
    return text == "nan" ? "NaN" : text == "inf" ? "Infinity" : text == "-inf" ? "-Infinity" : text;
  }

  void string(std::string_view text) {
    out_ += '"';
    for (const char32_t code : decode(text)) append_json_char(out_, code, style_.ascii);
    out_ += '"';
  }

  Result<void> new_line(std::size_t depth) {
    if (!style_.indent) return {};
    HEARTH_CHECK(rt_.room(out_.size() + depth * style_.indent->size()));
    out_ += '\n';
    for (std::size_t i = 0; i < depth; ++i) out_ += *style_.indent;
    return {};
  }

  Result<void> array(const std::vector<Value>& items, std::size_t depth) {
    out_ += '[';
    bool first = true;
    for (const Value& value : items) {
      if (!first) out_ += style_.item_separator;
      first = false;
      HEARTH_CHECK(new_line(depth + 1));
      HEARTH_CHECK(write(value, depth + 1));
    }
    if (!items.empty()) HEARTH_CHECK(new_line(depth));
    out_ += ']';
    return {};
  }

  Result<void> key(const Value& value) {
    if (value.is_text()) return string(value.text()), Result<void>();
    if (!value.is_number() && !value.is(Kind::none))
      return failure("a key of type " + std::string(type_name(value)) + " has no JSON form");
    out_ += '"';
    HEARTH_CHECK(append(value, 0));
    out_ += '"';
    return {};
  }

  Result<void> object(const Dict& dict, std::size_t depth) {
    std::vector<const std::pair<Value, Value>*> entries;
    for (const auto& entry : dict.entries) entries.push_back(&entry);
    if (style_.sort_keys) HEARTH_CHECK(sort(entries));
    out_ += '{';
    bool first = true;
    for (const auto* entry : entries) {
      if (!first) out_ += style_.item_separator;
      first = false;
      HEARTH_CHECK(new_line(depth + 1));
      HEARTH_CHECK(key(entry->first));
      out_ += style_.key_separator;
      HEARTH_CHECK(write(entry->second, depth + 1));
    }
    if (!entries.empty()) HEARTH_CHECK(new_line(depth));
    out_ += '}';
    return {};
  }

  Result<void> sort(std::vector<const std::pair<Value, Value>*>& entries) {
    Result<void> done;
    std::stable_sort(entries.begin(), entries.end(), [&](const auto* a, const auto* b) {
      const auto before = less(rt_, a->first, b->first);
      if (!before) done = before.error();
      return before && *before;
    });
    return done;
  }

  Runtime& rt_;
  const JsonStyle& style_;
  std::string& out_;
};

}  // namespace

Result<Value> from_json(Runtime& rt, std::string_view json, const std::string& where) {
  Builder builder(rt);
  if (read_json(json, builder)) return builder.result;
  return Error(Status::malformed, builder.refused + "; " + where + "; give JSON that is sound and within limits");
}

Result<std::string> to_json(Runtime& rt, const Value& value, const JsonStyle& style) {
  std::string out;
  HEARTH_CHECK(Writer(rt, style, out).write(value, 0));
  return out;
}

}  // namespace hearth::text::jinja
