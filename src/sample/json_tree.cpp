// Enters: JSON text. Leaves: its values with keys in the order of the text and numbers as they were spelled.
#include "json_tree.h"

#include <algorithm>
#include <charconv>
#include <numeric>

#include "escape.h"
#include "json_events.h"

namespace hearth::sample {
namespace {

/// Builds the tree while the text is read; stops at the first thing that is wrong.
class Reader : public JsonEvents {
 public:
  Reader(int max_depth, std::size_t max_values) : max_depth_(max_depth), max_values_(max_values) {}

  bool null() override { return put(Kind::null); }
  bool boolean(bool value) override {
    if (!put(Kind::boolean)) return false;
    last_->flag = value;
    return true;
  }
  bool integer(std::int64_t value) override { return text(Kind::number, std::to_string(value)); }
  bool natural(std::uint64_t value) override { return text(Kind::number, std::to_string(value)); }
  bool real(double, const std::string& spelled) override { return text(Kind::number, spelled); }
  bool string(std::string& value) override { return text(Kind::string, std::move(value)); }
  bool start_object() override { return open(Kind::object); }
  bool key(std::string& value) override {
    open_.back()->keys.push_back(std::move(value));
    return true;
  }
  bool end_object() override {
    const std::vector<std::string>& keys = open_.back()->keys;
    std::vector<std::uint32_t>& order = open_.back()->order;
    order.resize(keys.size());
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return keys[a] < keys[b]; });
    const auto same = [&](auto a, auto b) { return keys[a] == keys[b]; };
    if (const auto twice = std::adjacent_find(order.begin(), order.end(), same); twice != order.end())
      return fail("has the key \"" + escape(keys[*twice]) + "\" twice in one object");
    open_.pop_back();
    return true;
  }
  bool start_array() override { return open(Kind::array); }
  bool end_array() override { return open_.pop_back(), true; }
  void broken(std::size_t byte, bool) override { fail("is no JSON: it breaks at byte " + std::to_string(byte)); }

  JsonValue root;
  std::string wrong;

 private:
  using Kind = JsonValue::Kind;

  bool fail(std::string what) {
    wrong = std::move(what);
    return false;
  }
  bool put(Kind kind) {
    if (++n_values_ > max_values_) return fail("has more than " + std::to_string(max_values_) + " values");
    // Pointers stay: an open value's items grow only while the last of them is complete.
    last_ = open_.empty() ? &root : &open_.back()->items.emplace_back();
    last_->kind = kind;
    return true;
  }
  bool text(Kind kind, std::string value) {
    if (!put(kind)) return false;
    last_->text = std::move(value);
    return true;
  }
  bool open(Kind kind) {
    if (open_.size() >= static_cast<std::size_t>(max_depth_))
      return fail("nests more than " + std::to_string(max_depth_) + " deep");
    if (!put(kind)) return false;
    open_.push_back(last_);
    return true;
  }

  int max_depth_;
  std::size_t max_values_, n_values_ = 0;
  std::vector<JsonValue*> open_;
  JsonValue* last_ = nullptr;
};

}  // namespace

const JsonValue* JsonValue::find(std::string_view key) const {
  const auto found = std::lower_bound(order.begin(), order.end(), key,
                                      [&](std::uint32_t i, std::string_view k) { return keys[i] < k; });
  return found == order.end() || keys[*found] != key ? nullptr : &items[*found];
}

Result<JsonValue> parse_json_tree(std::string_view text, std::string_view what, int max_depth, std::size_t max_values) {
  Reader reader(max_depth, max_values);
  if (read_json(text, reader)) return std::move(reader.root);
  return Error(Status::invalid_argument,
               "the text " + reader.wrong + "; " + std::string(what) + "; give JSON without that");
}

std::optional<Decimal> decimal_of(std::string_view number) {
  constexpr std::int64_t most = 1000000;
  Decimal value;
  value.negative = !number.empty() && number.front() == '-';
  const std::size_t e = std::min(number.find_first_of("eE"), number.size());
  if (e < number.size()) {
    std::string_view exponent = number.substr(e + 1);
    if (exponent.front() == '+') exponent.remove_prefix(1);
    const auto [end, error] = std::from_chars(exponent.data(), exponent.data() + exponent.size(), value.exponent);
    if (error != std::errc() || end != exponent.data() + exponent.size() || value.exponent > most ||
        value.exponent < -most)
      return {};
  }
  bool fraction = false;
  for (const char c : number.substr(value.negative, e - value.negative)) {
    if (c == '.') {
      fraction = true;
      continue;
    }
    if (!value.digits.empty() || c != '0') value.digits += c;
    value.exponent -= fraction;
  }
  while (!value.digits.empty() && value.digits.back() == '0') value.digits.pop_back(), ++value.exponent;
  if (value.digits.empty()) value = {};
  return value;
}

namespace {

std::string canonical_number(const JsonValue& value) {
  const auto number = decimal_of(value.text);
  if (!number) return value.text;
  return (number->negative ? "-" : "") + number->digits + "e" + std::to_string(number->exponent);
}

/// To the end of what there is already: a value deep inside others is not copied by each of them.
void append_canonical(std::string& text, const JsonValue& value) {
  using Kind = JsonValue::Kind;
  const bool object = value.is(Kind::object);
  if (!object && !value.is(Kind::array)) {
    text += value.is(Kind::number) ? canonical_number(value) : json_scalar(value);
    return;
  }
  text += object ? '{' : '[';
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    const std::size_t at = object ? value.order[i] : i;
    if (object) text += json_quoted(value.keys[at]) + ':';
    append_canonical(text, value.items[at]);
    text += ',';
  }
  text += object ? '}' : ']';
}

}  // namespace

std::string canonical_json(const JsonValue& value) {
  std::string text;
  append_canonical(text, value);
  return text;
}

std::string json_quoted(std::string_view text) {
  constexpr std::string_view letters = "\"\"\\\\\bb\ff\nn\rr\tt";
  std::string out = "\"";
  for (const char c : text) {
    std::size_t at = 0;
    while (at < letters.size() && letters[at] != c) at += 2;
    if (at < letters.size()) {
      out += {'\\', letters[at + 1]};
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u";
      append_hex(out, static_cast<std::uint32_t>(static_cast<unsigned char>(c)), 4);
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string json_scalar(const JsonValue& value) {
  using Kind = JsonValue::Kind;
  if (value.is(Kind::string)) return json_quoted(value.text);
  if (value.is(Kind::number)) return value.text;
  if (value.is(Kind::boolean)) return value.flag ? "true" : "false";
  return "null";
}

std::string json_text(const JsonValue& value) {
  using Kind = JsonValue::Kind;
  const bool object = value.is(Kind::object);
  if (!object && !value.is(Kind::array)) return json_scalar(value);
  std::string text(1, object ? '{' : '[');
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    if (i != 0) text += ',';
    if (object) text += json_quoted(value.keys[i]) + ':';
    text += json_text(value.items[i]);
  }
  return text + (object ? '}' : ']');
}

std::size_t json_object_length(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') quoted = !quoted;
    else if (quoted) i += c == '\\';
    else depth += (c == '{') - (c == '}');
    if (depth <= 0) return depth == 0 && i > 0 ? i + 1 : 0;
  }
  return 0;
}

}  // namespace hearth::sample
