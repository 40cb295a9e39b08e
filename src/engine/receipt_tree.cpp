// Enters: a receipt's text. Leaves: its JSON values: few, not deep, each key once; token ids at four bytes each.
#include "receipt_tree.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "escape.h"
#include "json_events.h"

namespace hearth::engine {
namespace {

using Kind = ReceiptNode::Kind;

/// Builds the tree while the text is read; stops at the first thing that is wrong.
class TreeBuilder : public JsonEvents {
 public:
  bool null() override { return put(Kind::null); }
  bool boolean(bool value) override {
    const bool goes_on = put(Kind::flag);
    if (goes_on) last_->flag = value;
    return goes_on;
  }
  bool integer(std::int64_t value) override { return text(Kind::number, std::to_string(value)); }
  bool natural(std::uint64_t value) override {
    const bool listed = !open_.empty() && open_.back()->kind == Kind::list;
    if (!listed || value > static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max()))
      return text(Kind::number, std::to_string(value));
    open_.back()->ids.push_back(static_cast<std::int32_t>(value));
    return true;
  }
  bool real(double, const std::string& spelled) override { return text(Kind::number, spelled); }
  bool string(std::string& value) override { return text(Kind::text, std::move(value)); }
  bool start_object() override { return open(Kind::object); }
  bool key(std::string& value) override {
    if (open_.back()->find(value)) return fail("has the key '" + escape(value) + "' twice in one object");
    if (open_.back()->keys.size() >= kMaxKeys) return fail("has more keys than this version knows");
    open_.back()->keys.push_back(std::move(value));
    return true;
  }
  bool end_object() override { return open_.pop_back(), true; }
  bool start_array() override { return open(Kind::list); }
  bool end_array() override { return open_.pop_back(), true; }
  void broken(std::size_t byte, bool) override { fail("is no JSON: it breaks at byte " + std::to_string(byte)); }

  ReceiptNode root;
  std::string wrong;

 private:
  static constexpr std::size_t kMaxKeys = 64;  // more than any object of a receipt has

  bool fail(std::string what) {
    wrong = std::move(what);
    return false;
  }
  bool put(Kind kind) {
    if (++n_values_ > kMaxReceiptValues)
      return fail("has more than " + std::to_string(kMaxReceiptValues) + " values besides token ids");
    // Pointers stay: an open value's items grow only while the last of them is complete.
    last_ = open_.empty() ? &root : &open_.back()->items.emplace_back();
    last_->kind = kind;
    return true;
  }
  bool text(Kind kind, std::string value) {
    const bool goes_on = put(kind);
    if (goes_on) last_->text = std::move(value);
    return goes_on;
  }
  bool open(Kind kind) {
    if (open_.size() >= kMaxReceiptDepth) return fail("nests more than " + std::to_string(kMaxReceiptDepth) + " deep");
    const bool goes_on = put(kind);
    if (goes_on) open_.push_back(last_);
    return goes_on;
  }

  std::vector<ReceiptNode*> open_;
  ReceiptNode* last_ = nullptr;
  std::size_t n_values_ = 0;
};

}  // namespace

const ReceiptNode* ReceiptNode::find(std::string_view key) const {
  const auto found = std::find(keys.begin(), keys.end(), key);
  return found == keys.end() ? nullptr : &items[static_cast<std::size_t>(found - keys.begin())];
}

Error bad_receipt(const std::string& what, const std::string& where) {
  return Error(Status::malformed, what + "; " + where + "; use the receipt as it was written, or have it made again");
}

Error too_long_receipt(std::uint64_t n_bytes, const std::string& where) {
  return bad_receipt("the receipt has " + std::to_string(n_bytes) + " bytes, at most " +
                         std::to_string(kMaxReceiptBytes) + " are read",
                     where);
}

Result<ReceiptNode> parse_receipt_tree(std::string_view text, const std::string& where) {
  if (text.size() > kMaxReceiptBytes) return too_long_receipt(text.size(), where);
  TreeBuilder builder;
  if (!read_json(text, builder)) return bad_receipt("the receipt " + builder.wrong, where);
  return std::move(builder.root);
}

}  // namespace hearth::engine
