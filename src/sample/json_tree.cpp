// Enters: JSON text. Leaves: its values with keys in the order of the text and numbers as they were spelled.
#include "json_tree.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <numeric>

#include "escape.h"

namespace hearth::sample {
namespace {

using Kind = JsonValue::Kind;

/// Builds the tree while nlohmann-json reads the text; stops at the first thing that is wrong.
class Reader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Reader(int max_depth) : max_depth_(max_depth) {}

  bool null() override { return put(Kind::null); }
  bool boolean(bool value) override {
    const bool goes_on = put(Kind::boolean);
    last_->flag = value;
    return goes_on;
  }
  bool number_integer(number_integer_t value) override { return text(Kind::number, std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return text(Kind::number, std::to_string(value)); }
  bool number_float(number_float_t, const string_t& spelled) override { return text(Kind::number, spelled); }
  bool string(string_t& value) override { return text(Kind::string, std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Kind::object); }
  bool key(string_t& value) override {
    open_.back()->keys.push_back(std::move(value));
    return true;
  }
  bool end_object() override {
    std::vector<std::string_view> keys(open_.back()->keys.begin(), open_.back()->keys.end());
    std::sort(keys.begin(), keys.end());
    if (const auto twice = std::adjacent_find(keys.begin(), keys.end()); twice != keys.end())
      return fail("has the key \"" + escape(*twice) + "\" twice in one object");
    open_.pop_back();
    return true;
  }
  bool start_array(std::size_t) override { return open(Kind::array); }
  bool end_array() override { return open_.pop_back(), true; }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return fail("is no JSON: it breaks at byte " + std::to_string(position));
  }

  JsonValue root;
  std::string wrong;

 private:
  bool fail(std::string what) {
    wrong = std::move(what);
    return false;
  }
  bool put(Kind kind) {
    // Pointers stay: an open value's items grow only while the last of them is complete.
    last_ = open_.empty() ? &root : &open_.back()->items.emplace_back();
    last_->kind = kind;
    return true;
  }
  bool text(Kind kind, std::string value) {
    put(kind);
    last_->text = std::move(value);
    return true;
  }
  bool open(Kind kind) {
    if (open_.size() >= static_cast<std::size_t>(max_depth_))
      return fail("nests more than " + std::to_string(max_depth_) + " deep");
    put(kind);
    open_.push_back(last_);
    return true;
  }

  int max_depth_;
  std::vector<JsonValue*> open_;
  JsonValue* last_ = nullptr;
};

std::vector<std::size_t> by_key(const JsonValue& object) {
  std::vector<std::size_t> order(object.keys.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return object.keys[a] < object.keys[b]; });
  return order;
}

}  // namespace

const JsonValue* JsonValue::find(std::string_view key) const {
  const auto found = std::find(keys.begin(), keys.end(), key);
  return found == keys.end() ? nullptr : &items[static_cast<std::size_t>(found - keys.begin())];
}

Result<JsonValue> parse_json_tree(std::string_view text, std::string_view what, int max_depth) {
  Reader reader(max_depth);
  if (nlohmann::json::sax_parse(text, &reader)) return std::move(reader.root);
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
    if (error != std::errc() || end != exponent.data() + exponent.size() || std::abs(value.exponent) > most) return {};
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

bool same_json(const JsonValue& a, const JsonValue& b) {
  if (a.kind != b.kind || a.items.size() != b.items.size()) return false;
  switch (a.kind) {
    case Kind::null:
      return true;
    case Kind::boolean:
      return a.flag == b.flag;
    case Kind::string:
      return a.text == b.text;
    case Kind::number: {
      const auto x = decimal_of(a.text), y = decimal_of(b.text);
      if (!x || !y) return a.text == b.text;
      return x->negative == y->negative && x->digits == y->digits && x->exponent == y->exponent;
    }
    case Kind::array:
      return std::equal(a.items.begin(), a.items.end(), b.items.begin(), same_json);
    case Kind::object: {
      const auto of_a = by_key(a), of_b = by_key(b);
      for (std::size_t i = 0; i < of_a.size(); ++i)
        if (a.keys[of_a[i]] != b.keys[of_b[i]] || !same_json(a.items[of_a[i]], b.items[of_b[i]])) return false;
      return true;
    }
  }
  return false;
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
  if (value.is(Kind::string)) return json_quoted(value.text);
  if (value.is(Kind::number)) return value.text;
  if (value.is(Kind::boolean)) return value.flag ? "true" : "false";
  return "null";
}

}  // namespace hearth::sample
