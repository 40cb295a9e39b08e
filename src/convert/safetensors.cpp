// Enters: the bytes of a .safetensors file. Leaves: its tensors. Layout: a 64-bit length, a JSON object of that many bytes
// from name to {"dtype", "shape", "data_offsets"}, then the tensors' bytes.
#include "safetensors.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "escape.h"
#include "json_events.h"
#include "saturating.h"
#include "try.h"

namespace hearth::convert {
namespace {

struct Entry {
  std::string name, type;
  std::vector<std::uint64_t> shape, offsets;
  bool has_type = false, has_shape = false, has_offsets = false;
};

/// Reads the header as it goes by: a JSON document made first would hide names that come twice.
class Header : public JsonEvents {
 public:
  std::vector<Entry> take() { return std::move(entries_); }
  const std::string& mistake() const { return mistake_; }

  bool null() override { return value("null"); }
  bool boolean(bool) override { return value("a truth value"); }
  bool integer(std::int64_t) override { return value("a negative number"); }
  bool real(double, const std::string&) override { return value("a fraction"); }

  bool natural(std::uint64_t number) override {
    if (!numbers_) return value("a number");
    if (numbers_->size() == max_numbers) return refuse("has more than " + std::to_string(max_numbers) + " numbers");
    numbers_->push_back(number);
    return true;
  }

  bool string(std::string& text) override {
    if (in_metadata_) return true;
    if (depth_ != 2 || field_ != "dtype") return value("a text");
    entries_.back().type = text;
    return entries_.back().has_type = true;
  }

  bool start_object() override {
    if (depth_ == 2 || numbers_) return value("an object");
    ++depth_;
    return true;
  }

  bool end_object() override {
    const bool of_tensor = --depth_ == 1 && !std::exchange(in_metadata_, false);
    return !of_tensor || is_whole(entries_.back());
  }

  bool start_array() override {
    if (depth_ != 2 || in_metadata_ || numbers_) return value("an array");
    Entry& entry = entries_.back();
    if (field_ == "shape") entry.has_shape = true, numbers_ = &entry.shape;
    else if (field_ == "data_offsets") entry.has_offsets = true, numbers_ = &entry.offsets;
    else return value("an array");
    return true;
  }

  bool end_array() override {
    numbers_ = nullptr;
    return true;
  }

  bool key(std::string& text) override {
    field_ = text;
    if (depth_ == 2) return in_metadata_ || fields_.insert(text).second || refuse("comes twice");
    fields_.clear();
    if (!names_.insert(text).second) return mistake_ = "the name '" + escape(text) + "' comes twice", false;
    in_metadata_ = text == "__metadata__";
    if (in_metadata_) return true;
    entries_.emplace_back();
    entries_.back().name = text;
    return true;
  }

  void broken(std::size_t byte, bool) override {
    mistake_ = "the header is no JSON: it breaks at its byte " + std::to_string(byte);
  }

 private:
  static constexpr std::size_t max_numbers = 8;

  bool refuse(const std::string& what) {
    const std::string tensor = in_metadata_ ? "__metadata__" : entries_.empty() ? "" : entries_.back().name;
    mistake_ = depth_ < 2 ? "the header's '" + escape(field_) + "' " + what
                          : "tensor '" + escape(tensor) + "': '" + escape(field_) + "' " + what;
    return false;
  }

  /// Asked at an entry's end: thousands of empty ones would take many times the header's memory.
  bool is_whole(const Entry& entry) {
    for (const auto& [there, field] : {std::pair(entry.has_type, "dtype"), std::pair(entry.has_shape, "shape"),
                                       std::pair(entry.has_offsets, "data_offsets")})
      if (!there) return mistake_ = "tensor '" + escape(entry.name) + "' has no '" + field + "'", false;
    return true;
  }

  /// A value where nothing else takes it: unknown fields may come, a known one has one type.
  bool value(const std::string& type) {
    const bool known = field_ == "dtype" || field_ == "shape" || field_ == "data_offsets";
    if (depth_ == 2 && !in_metadata_ && !known && type != "an object" && type != "an array") return true;
    return refuse("is " + type);
  }

  std::vector<Entry> entries_;
  std::unordered_set<std::string> names_, fields_;
  std::string field_, mistake_;
  std::vector<std::uint64_t>* numbers_ = nullptr;  // of the array under way
  int depth_ = 0;                                  // 1: names, 2: fields
  bool in_metadata_ = false;
};

Error broken(const std::string& what, const std::string& where) {
  return Error(Status::malformed, what + "; " + where + "; fetch the file again");
}

/// The entry as a tensor over `data`, all but its neighbours checked.
Result<SourceTensor> checked(Entry entry, std::span<const std::byte> data, const std::string& where) {
  const std::string who = "tensor '" + escape(entry.name) + "'";
  const auto wrong = [&](const std::string& what) { return broken(who + " " + what, where); };
  const ElementType* type = find_element_type(entry.type);
  if (!type)
    return Error(Status::unsupported, who + " has dtype '" + escape(entry.type) + "', which is not known; " + where +
                                          "; save the model as F32, F16 or BF16");
  if (entry.offsets.size() != 2) return wrong("has " + std::to_string(entry.offsets.size()) + " data_offsets, not 2");
  const std::uint64_t begin = entry.offsets[0], end = entry.offsets[1];
  const std::string range = "[" + std::to_string(begin) + ", " + std::to_string(end) + "]";
  if (begin > end || end > data.size())
    return wrong("has data_offsets " + range + ", the file has " + std::to_string(data.size()) + " bytes of data");
  std::uint64_t bytes = type->bytes;
  for (const std::uint64_t count : entry.shape) bytes = saturating_multiply(bytes, count);
  if (bytes != end - begin)
    return wrong("has data_offsets " + range + ", its type " + entry.type + " and shape " + shape_text(entry.shape) +
                 " need " + std::to_string(bytes) + " bytes");
  return SourceTensor{std::move(entry.name), type, std::move(entry.shape), data.subspan(begin, end - begin)};
}

/// The format has neither holes nor overlaps: what the tensors do not cover is damage.
Result<void> check_cover(const std::vector<SourceTensor>& tensors, std::span<const std::byte> data,
                         const std::string& where) {
  const std::byte* at = data.data();
  for (const SourceTensor& tensor : tensors) {
    const auto begin = tensor.data.data() - data.data(), expected = at - data.data();
    if (begin != expected)
      return broken("tensor '" + escape(tensor.name) + "' begins at byte " + std::to_string(begin) +
                        " of the data, the one before it ends at " + std::to_string(expected),
                    where);
    at = tensor.data.data() + tensor.data.size();
  }
  if (at == data.data() + data.size()) return {};
  return broken("the tensors end at byte " + std::to_string(at - data.data()) + " of the data, the file has " +
                    std::to_string(data.size()),
                where);
}

}  // namespace

Result<std::vector<SourceTensor>> read_safetensors(std::span<const std::byte> file, const std::string& where) {
  std::uint64_t length = 0;
  if (file.size() < sizeof length)
    return broken("the file has " + std::to_string(file.size()) + " bytes, its header's length alone has 8", where);
  std::memcpy(&length, file.data(), sizeof length);
  if (length > max_safetensors_header || length > file.size() - sizeof length)
    return broken("the header's length is " + std::to_string(length) + " bytes, of at most " +
                      std::to_string(std::min(max_safetensors_header, file.size() - sizeof length)),
                  where);
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + sizeof length, length);
  if (!text.starts_with('{')) return broken("the header is no JSON object", where);
  Header header;
  if (!read_json(text, header)) return broken(header.mistake(), where);
  const std::span<const std::byte> data = file.subspan(sizeof length + length);
  std::vector<SourceTensor> tensors;
  for (Entry& entry : header.take()) {
    HEARTH_TRY(SourceTensor tensor, checked(std::move(entry), data, where));
    tensors.push_back(std::move(tensor));
  }
  std::sort(tensors.begin(), tensors.end(), [](const SourceTensor& a, const SourceTensor& b) {
    return std::pair(a.data.data(), a.data.size()) < std::pair(b.data.data(), b.data.size());
  });
  HEARTH_CHECK(check_cover(tensors, data, where));
  return tensors;
}

}  // namespace hearth::convert
