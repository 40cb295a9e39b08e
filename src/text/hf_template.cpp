// Enters: the "post_processor" of a tokenizer.json. Leaves: the ids that go before and after a text.
#include "hf_template.h"

namespace hearth::text {
namespace {

/// [text, id]
Result<std::int32_t> read_pair_id(const JsonNode& node) {
  HEARTH_TRY(const std::vector<JsonNode> pair, node.items());
  if (pair.size() != 2) return node.malformed("is no [text, id]");
  return pair[1].id();
}

/// [CLS] text [SEP], or <s> text </s>
Result<HfTemplate> read_bert(const JsonNode& node) {
  HEARTH_TRY(const std::int32_t cls, read_pair_id(node["cls"]));
  HEARTH_TRY(const std::int32_t sep, read_pair_id(node["sep"]));
  return HfTemplate{{cls}, {sep}};
}

Result<HfTemplate> read_single(const JsonNode& node) {
  HEARTH_TRY(const std::vector<JsonNode> parts, node["single"].items());
  HfTemplate made;
  bool after = false;
  for (const JsonNode& part : parts) {
    if (part["SpecialToken"].is_null()) {
      if (part["Sequence"].is_null() || after) return part.unsupported("is no part that is known here");
      after = true;
      continue;
    }
    HEARTH_TRY(const std::string_view name, part["SpecialToken"]["id"].text());
    const std::string key(name);
    HEARTH_TRY(const std::vector<JsonNode> ids, node["special_tokens"][key.c_str()]["ids"].items());
    for (const JsonNode& id : ids) {
      HEARTH_TRY(const std::int32_t number, id.id());
      (after ? made.after : made.before).push_back(number);
    }
  }
  return made;
}

/// Byte-level post-processing moves offsets, which are not kept here.
Result<HfTemplate> read_byte_level(const JsonNode&) { return HfTemplate{}; }

/// Each processor goes around what the one before it made.
Result<HfTemplate> read_sequence(const JsonNode& node) {
  HEARTH_TRY(const std::vector<JsonNode> nodes, node["processors"].items());
  HfTemplate made;
  for (const JsonNode& inner : nodes) {
    HEARTH_TRY(const HfTemplate outer, read_template(inner));
    made.before.insert(made.before.begin(), outer.before.begin(), outer.before.end());
    made.after.insert(made.after.end(), outer.after.begin(), outer.after.end());
  }
  return made;
}

/// THE table of post-processors: "type", reader.
struct TemplateRow {
  std::string_view type;
  Result<HfTemplate> (*read)(const JsonNode& node);
};
constexpr TemplateRow processors[] = {
    {"TemplateProcessing", read_single}, {"BertProcessing", read_bert}, {"RobertaProcessing", read_bert},
    {"ByteLevel", read_byte_level},      {"Sequence", read_sequence},
};

}  // namespace

Result<HfTemplate> read_template(const JsonNode& node) {
  if (node.is_null()) return HfTemplate{};
  HEARTH_TRY(const TemplateRow* row, row_of(processors, node, "post-processor"));
  return row->read(node);
}

}  // namespace hearth::text
