// Enters: a receipt's JSON. Leaves: the receipt, every field checked, or an error that names the first that is wrong.
#include <algorithm>
#include <charconv>

#include "escape.h"
#include "read_number.h"
#include "receipt_fields.h"
#include "receipt_json.h"
#include "receipt_tree.h"
#include "settings.h"
#include "try.h"

namespace hearth::engine {
namespace {

using Kind = ReceiptNode::Kind;

/// What a value should have been; empty: it is.
using Wanted = std::string;

bool is_hexadecimal(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string bytes_of(std::string_view hexadecimal) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hexadecimal.size(); i += 2) {
    unsigned char byte = 0;
    std::from_chars(hexadecimal.data() + i, hexadecimal.data() + i + 2, byte, 16);
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

Wanted read(const ReceiptNode& node, bool& value) {
  value = node.flag;
  return node.kind == Kind::flag ? "" : "true or false";
}

Wanted read(const ReceiptNode& node, float& value) {
  if (node.kind == Kind::number && read_number(node.text, value)) return "";
  value = -std::numeric_limits<float>::infinity();
  return node.kind == Kind::text && node.text == "-inf" ? "" : "a number that a 32-bit float holds";
}

template <std::integral T> Wanted read(const ReceiptNode& node, T& value, T least) {
  if (node.kind == Kind::number && read_number(node.text, value) && value >= least) return "";
  return "a whole number from " + std::to_string(least) + " to " + std::to_string(std::numeric_limits<T>::max());
}

Wanted read(const ReceiptNode& node, std::string& value) {
  value = node.text;
  if (node.kind == Kind::text) return "";
  const ReceiptNode* hex = node.kind == Kind::object && node.keys.size() == 1 ? node.find("hex") : nullptr;
  if (!hex || hex->kind != Kind::text || hex->text.size() % 2 != 0 || !is_hexadecimal(hex->text))
    return "a text, or {\"hex\": …}";
  value = bytes_of(hex->text);
  return "";
}

Wanted read(const ReceiptNode& node, std::optional<std::string>& value) {
  value.reset();
  return node.kind == Kind::null || read(node, value.emplace()).empty() ? "" : "a text or null";
}

Wanted read(const ReceiptNode& node, std::vector<std::string>& values) {
  bool all = node.kind == Kind::list && node.ids.empty();
  for (const ReceiptNode& item : node.items) all = all && read(item, values.emplace_back()).empty();
  return all ? "" : "a list of texts";
}

/// One object, in which each field is to be found and nothing else. After the first error all others are silent.
class FieldReader {
 public:
  FieldReader(const ReceiptNode& object, std::string path, const std::string& where, std::optional<Error>& error)
      : object_(object), path_(std::move(path)), where_(where), error_(error) {}

  template <class T>
  requires(!std::integral<T>) void operator()(const char* name, T& value) {
    if (const ReceiptNode* node = take(name)) expect(name, read(*node, value));
  }
  template <std::integral T>
  void operator()(const char* name, T& value, std::type_identity_t<T> least = std::numeric_limits<T>::min()) {
    if (const ReceiptNode* node = take(name)) expect(name, read(*node, value, least));
  }
  void operator()(const char* name, bool& value) {
    if (const ReceiptNode* node = take(name)) expect(name, read(*node, value));
  }

  void unless_usual(const char* name, std::string& value, const char* usual) {
    if (object_.find(name)) (*this)(name, value);
    else value = usual;
  }

  void version(const char* name, std::int32_t known) {
    std::int32_t value = known;
    (*this)(name, value);
    if (value != known)
      refuse(name, "is " + std::to_string(value) + ", this version of Hearth reads " + std::to_string(known));
  }
  void ids(const char* name, std::vector<std::int32_t>& values) {
    const ReceiptNode* node = take(name);
    if (!node) return;
    values = node->ids;
    expect(name, node->kind == Kind::list && node->items.empty() ? "" : "a list of token ids");
  }
  void sha256(const char* name, std::string& digest) { text_of_hexadecimal(name, digest, 64); }
  void sha256(const char* name, std::optional<std::string>& digest) {
    const ReceiptNode* node = take(name);
    if (node && node->kind != Kind::null) sha256(name, digest.emplace());
  }
  void digits(const char* name, std::uint64_t& value) {
    const ReceiptNode* node = take(name);
    if (node && (node->kind != Kind::text || !read_number(node->text, value)))
      expect(name, "a text of the digits of a number from 0 to 18446744073709551615");
  }
  void hexadecimal(const char* name, std::uint64_t& value) {
    std::string text;
    text_of_hexadecimal(name, text, 16);
    std::from_chars(text.data(), text.data() + text.size(), value, 16);
  }
  void sealed_ids(std::vector<std::int32_t>& values) {
    std::string seal;
    ids("ids", values);
    sha256("sha256", seal);
    if (!error_ && seal != sha256_of_ids(values)) refuse("sha256", "is not that of the ids beside it");
  }
  template <class T> void choice(const char* name, T& value, std::span<const char* const> names) {
    const ReceiptNode* node = take(name);
    if (!node) return;
    std::string list;
    for (std::size_t i = 0; i < names.size(); ++i) {
      list.append(list.empty() ? "" : "|").append(names[i]);
      if (node->kind != Kind::text || node->text != names[i]) continue;
      value = static_cast<T>(i);
      return;
    }
    expect(name, list);
  }
  template <class Inner> void object(const char* name, Inner inner) {
    if (const ReceiptNode* node = take(name)) read_object(*node, path_of(name), inner);
  }
  template <class T, class Inner> void objects(const char* name, std::vector<T>& values, Inner inner) {
    const ReceiptNode* node = take(name);
    if (!node) return;
    expect(name, node->kind == Kind::list && node->ids.empty() ? "" : "a list of objects");
    for (std::size_t i = 0; i < node->items.size() && !error_; ++i)
      read_object(node->items[i], path_of(name) + "[" + std::to_string(i) + "]",
                  [&](FieldReader& row) { inner(row, values.emplace_back()); });
  }

  /// Once all fields were asked for: nothing else may be there.
  void end() {
    for (const std::string& key : object_.keys)
      if (!error_ && std::find(taken_.begin(), taken_.end(), key) == taken_.end())
        refuse(escape(key), "is no field that this version of Hearth knows");
  }

 private:
  std::string path_of(std::string_view name) const {
    return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
  }

  const ReceiptNode* take(const char* name) {
    if (error_) return nullptr;
    taken_.emplace_back(name);
    const ReceiptNode* node = object_.find(name);
    if (!node) refuse(name, "is missing");
    return node;
  }
  void expect(const char* name, const Wanted& wanted) {
    if (!wanted.empty()) refuse(name, "is not " + wanted);
  }
  void refuse(std::string_view name, const std::string& what) {
    if (!error_) error_ = bad_receipt(path_of(name) + " " + what, where_);
  }
  void text_of_hexadecimal(const char* name, std::string& text, std::size_t n_digits) {
    const ReceiptNode* node = take(name);
    if (!node) return;
    text = node->text;
    expect(name, node->kind == Kind::text && text.size() == n_digits && is_hexadecimal(text)
                     ? ""
                     : std::to_string(n_digits) + " lower-case hexadecimal digits");
  }
  template <class Inner> void read_object(const ReceiptNode& node, std::string path, Inner inner) {
    if (node.kind != Kind::object) {
      error_ = bad_receipt(path + " is not an object", where_);
      return;
    }
    FieldReader fields(node, std::move(path), where_, error_);
    inner(fields);
    fields.end();
  }

  const ReceiptNode& object_;
  std::string path_;
  const std::string& where_;
  std::optional<Error>& error_;
  std::vector<std::string_view> taken_;
};

}  // namespace

Result<tools::Receipt> read_receipt(std::string_view json, const std::string& where) {
  HEARTH_TRY(const ReceiptNode root, parse_receipt_tree(json, where));
  if (root.kind != Kind::object) return bad_receipt("the receipt is no JSON object", where);
  tools::Receipt receipt;
  receipt.generate.sampling.dry_breakers.clear();
  std::optional<Error> error;
  FieldReader fields(root, "", where, error);
  each_field(fields, receipt);
  fields.end();
  if (error) return std::move(*error);
  if (receipt.files.empty()) return bad_receipt("model.files is empty", where);
  if (receipt.prompt.empty()) return bad_receipt("prompt.ids is empty", where);
  HEARTH_CHECK(sample::validate(receipt.generate.sampling));
  return receipt;
}

}  // namespace hearth::engine
