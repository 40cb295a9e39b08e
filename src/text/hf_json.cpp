// Enters: JSON text. Leaves: a checked document and typed access to it.
#include "hf_json.h"

#include <limits>
#include <optional>

#include "json_events.h"

namespace hearth::text {
namespace {

using Json = nlohmann::json;

/// Looks at a text without building anything: where it breaks, how deep it goes.
class Scan : public JsonEvents {
 public:
  bool start_object() override { return ++depth_ <= max_depth; }
  bool end_object() override { return --depth_, true; }
  bool start_array() override { return ++depth_ <= max_depth; }
  bool end_array() override { return --depth_, true; }
  void broken(std::size_t byte, bool) override { broken_at_ = byte; }

  std::string what() const {
    if (broken_at_) return "is no JSON: it breaks at byte " + std::to_string(*broken_at_);
    return "nests more than " + std::to_string(max_depth) + " deep";
  }

 private:
  static constexpr std::size_t max_depth = 64;
  std::size_t depth_ = 0;
  std::optional<std::size_t> broken_at_;
};

const Json absent;

}  // namespace

Result<Json> parse_json(std::string_view text, const std::string& where) {
  Scan scan;
  if (!read_json(text, scan)) {
    return Error(Status::malformed, "the file " + scan.what() + "; " + where + "; fetch the file again");
  }
  return Json::parse(text, nullptr, false);
}

JsonNode JsonNode::operator[](const char* key) const {
  std::string path = path_.empty() ? key : path_ + "." + key;
  if (!value_->is_object()) return {absent, std::move(path), *where_};
  const auto found = value_->find(key);
  return {found == value_->end() ? absent : *found, std::move(path), *where_};
}

Result<std::string_view> JsonNode::text() const {
  if (!value_->is_string()) return expected("a string");
  return std::string_view(*value_->get_ptr<const std::string*>());
}

Result<std::int32_t> JsonNode::id() const {
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max());
  if (!value_->is_number_unsigned() || *value_->get_ptr<const std::uint64_t*>() > most) return expected("a token id");
  return static_cast<std::int32_t>(*value_->get_ptr<const std::uint64_t*>());
}

Result<bool> JsonNode::flag() const {
  if (!value_->is_boolean()) return expected("true or false");
  return *value_->get_ptr<const bool*>();
}

Result<std::vector<JsonNode>> JsonNode::items() const {
  if (!value_->is_array()) return expected("an array");
  std::vector<JsonNode> nodes;
  for (const Json& item : *value_) nodes.push_back({item, path_ + "[" + std::to_string(nodes.size()) + "]", *where_});
  return nodes;
}

Result<std::string_view> JsonNode::text_or(std::string_view otherwise) const {
  if (is_null()) return otherwise;
  return text();
}

Result<bool> JsonNode::flag_or(bool otherwise) const {
  if (is_null()) return otherwise;
  return flag();
}

Error JsonNode::malformed(std::string_view what) const {
  return Error(Status::malformed, path_ + " " + std::string(what) + "; " + *where_ + "; fetch the file again");
}

Error JsonNode::unsupported(std::string_view what) const {
  return Error(Status::unsupported,
               path_ + " " + std::string(what) + "; " + *where_ + "; use the tokenizer of the model's GGUF file");
}

Error JsonNode::expected(std::string_view type) const {
  return malformed(std::string(is_null() ? "is absent" : std::string("is of type ") + value_->type_name()) + ", " +
                   std::string(type) + " is needed");
}

}  // namespace hearth::text
