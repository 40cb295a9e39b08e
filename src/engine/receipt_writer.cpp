// Enters: a receipt. Leaves: its JSON.
#include <charconv>
#include <cmath>
#include <span>

#include "json_tree.h"
#include "receipt_fields.h"
#include "receipt_json.h"
#include "settings.h"
#include "try.h"
#include "utf8.h"

namespace hearth::engine {
namespace {

template <class T> std::string spelled(T number) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

std::string json(bool value) { return value ? "true" : "false"; }
std::string json(std::integral auto value) { return spelled(value); }

/// The shortest decimal that is this float and no other. A zero keeps its sign, which a whole number has none of.
std::string json(float value) {
  if (value == -std::numeric_limits<float>::infinity()) return "\"-inf\"";
  return value == 0 ? (std::signbit(value) ? "-0.0" : "0") : spelled(value);
}

std::string json(const std::string& text) {
  if (valid_utf8(text) == text.size()) return sample::json_quoted(text);
  return "{\"hex\": \"" + hex_of(text) + "\"}";
}

std::string json(const std::optional<std::string>& text) { return text ? json(*text) : "null"; }

template <class T> std::string json(std::span<const T> values) {
  std::string list = "[";
  for (const T& value : values) list.append(list.size() > 1 ? ", " : "").append(json(value));
  return list + "]";
}

/// One object: a field a line, or all of them in one.
class FieldWriter {
 public:
  FieldWriter(std::string& out, std::size_t depth, bool one_line) : out_(out), depth_(depth), one_line_(one_line) {
    out_ += '{';
  }
  void end() {
    if (!one_line_) out_.append("\n").append(2 * depth_, ' ');
    out_ += '}';
  }

  template <class T> void operator()(const char* name, const T& value, int = 0) { put(name, json(value)); }
  void operator()(const char* name, const std::vector<std::string>& texts) { put(name, json(std::span(texts))); }

  /// Left out where it is as usual: receipts from before there was such a field say the same.
  void unless_usual(const char* name, const std::string& value, const char* usual) {
    if (value != usual) (*this)(name, value);
  }

  void version(const char* name, std::int32_t value) { put(name, spelled(value)); }
  void ids(const char* name, const std::vector<std::int32_t>& ids) { put(name, json(std::span(ids))); }
  void sha256(const char* name, const std::string& digest) { put(name, json(digest)); }
  void sha256(const char* name, const std::optional<std::string>& digest) { put(name, json(digest)); }
  void digits(const char* name, std::uint64_t value) { put(name, json(spelled(value))); }
  void hexadecimal(const char* name, std::uint64_t value) { put(name, json(hex_of(value))); }
  void sealed_ids(const std::vector<std::int32_t>& values) {
    ids("ids", values);
    sha256("sha256", sha256_of_ids(values));
  }
  template <class T> void choice(const char* name, T value, std::span<const char* const> names) {
    const auto index = static_cast<std::size_t>(value);
    put(name, json(std::string(index < names.size() ? names[index] : "")));
  }
  template <class Inner> void object(const char* name, Inner inner) {
    put(name, "");
    FieldWriter fields(out_, depth_ + 1, one_line_);
    inner(fields);
    fields.end();
  }
  template <class T, class Inner> void objects(const char* name, const std::vector<T>& values, Inner inner) {
    put(name, "[");
    for (const T& value : values) {
      if (&value != values.data()) out_ += ", ";
      FieldWriter fields(out_, depth_ + 1, true);
      inner(fields, value);
      fields.end();
    }
    out_ += ']';
  }

 private:
  void put(const char* name, const std::string& value) {
    if (!first_) out_ += one_line_ ? ", " : ",";
    first_ = false;
    if (!one_line_) out_.append("\n").append(2 * (depth_ + 1), ' ');
    out_.append("\"").append(name).append("\": ").append(value);
  }

  std::string& out_;
  std::size_t depth_;
  bool one_line_, first_ = true;
};

std::string written(const tools::Receipt& receipt) {
  std::string out;
  FieldWriter fields(out, 0, false);
  each_field(fields, receipt);
  fields.end();
  return out + '\n';
}

}  // namespace

std::string hex_of(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes)
    for (const int shift : {4, 0}) text += digits[static_cast<unsigned char>(byte) >> shift & 15];
  return text;
}

std::string hex_of(std::uint64_t number) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 255);
  return hex_of(std::string_view(bytes));
}

std::string sha256_of(std::string_view text) {
  tools::Sha256 hash;
  hash.update(std::as_bytes(std::span(text)));
  return hash.hex();
}

std::string sha256_of_ids(std::span<const std::int32_t> ids) {
  std::string bytes;
  bytes.reserve(4 * ids.size());
  for (const std::int32_t id : ids)
    for (int shift = 0; shift < 32; shift += 8)
      bytes += static_cast<char>(static_cast<std::uint32_t>(id) >> shift & 255);
  return sha256_of(bytes);
}

Result<std::string> to_json(const tools::Receipt& receipt) {
  HEARTH_CHECK(sample::validate(receipt.generate.sampling));  // JSON has no word for what is out of every range
  std::string out = written(receipt);
  HEARTH_TRY(const tools::Receipt read, read_receipt(out, "writing a receipt"));  // whoever gets it can read it
  if (written(read) == out) return out;
  return Error(Status::internal, "a receipt came back otherwise; writing it; please report it");
}

}  // namespace hearth::engine
