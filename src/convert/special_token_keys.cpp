// Enters: the tokenizer files of a model folder. Leaves: which tokens have a role, which of them a text gets by itself, and the
// chat templates. Where files disagree, the one that Hugging Face's tokenizers act upon counts: tokenizer.json's
// post_processor before tokenizer_config.json before config.json.
#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <system_error>

#include "escape.h"
#include "tokenizer_keys.h"
#include "try.h"

namespace hearth::convert {
namespace {

using nlohmann::json;

/// A role's name in Hugging Face's files and in GGUF's keys.
struct RoleKey {
  std::string_view role, key;
};
constexpr RoleKey roles[] = {
    {"bos", "bos_token_id"},     {"eos", "eos_token_id"}, {"unk", "unknown_token_id"}, {"sep", "seperator_token_id"},
    {"pad", "padding_token_id"}, {"cls", "cls_token_id"}, {"mask", "mask_token_id"},   {"eot", "eot_token_id"},
};

/// null where anything on the way is absent or no object.
const json& at(const json& value, std::string_view key) {
  static const json absent;
  if (!value.is_object()) return absent;
  const auto found = value.find(key);
  return found == value.end() ? absent : *found;
}

/// "text", or {"content": "text"}; empty where there is neither.
std::string token_text(const json& entry) {
  const json& text = entry.is_object() ? at(entry, "content") : entry;
  return text.is_string() ? text.get<std::string>() : std::string();
}

/// The texts by their ids, where the vocabulary has come to lie.
std::span<const std::string> tokens_of(const Metadata& metadata) {
  return std::get<std::vector<std::string>>(*metadata.find("tokenizer.ggml.tokens"));
}

class Roles {
 public:
  Roles(const json& tokenizer, const json& config) : tokenizer_(tokenizer) {
    for (const RoleKey& row : roles) texts_[row.role] = token_text(at(config, std::string(row.role) + "_token"));
    if (texts_["bos"].empty()) texts_["bos"] = texts_["cls"];
    if (texts_["eos"].empty()) texts_["eos"] = texts_["sep"];
    const json& processor = at(tokenizer, "post_processor");
    const json& list = at(processor, "processors");
    if (list.is_array())
      for (const json& step : list) read_processor(step);
    else read_processor(processor);
    for (const std::string_view role : {"bos", "eos", "sep"})
      if (const json& flag = at(config, "add_" + std::string(role) + "_token"); flag.is_boolean())
        adds_.emplace(role, flag.get<bool>());
  }

  /// Where no file gives the role to another.
  void add(const RoleRow& row) {
    if (std::string& text = texts_[row.role]; text.empty()) text = row.text;
  }

  void write(const HfConfig& model, Metadata& metadata) const {
    for (const RoleKey& row : roles) {
      const std::span<const std::string> tokens = tokens_of(metadata);
      std::optional<std::uint64_t> id = id_of(texts_.at(row.role), tokens);
      const json* number = model.find(std::string(row.role) + "_token_id");
      if (!id && number && number->is_number_unsigned()) id = number->get<std::uint64_t>();
      if (id && *id < tokens.size())
        metadata.set("tokenizer.ggml." + std::string(row.key), static_cast<std::uint32_t>(*id));
    }
    for (const auto& [role, adds] : adds_) metadata.set("tokenizer.ggml.add_" + std::string(role) + "_token", adds);
  }

 private:
  void read_processor(const json& step) {
    const json& type = at(step, "type");
    if (type == "ByteLevel") adds_.emplace("bos", false), adds_.emplace("eos", false);
    if (type == "RobertaProcessing" || type == "BertProcessing") {
      adds_["bos"] = adds_["eos"] = adds_["sep"] = true;
      for (const std::string_view role : {"cls", "sep"})
        if (const json& pair = at(step, role); texts_[role].empty() && pair.is_array() && !pair.empty())
          texts_[role] = token_text(pair[0]);
    }
    if (type == "TemplateProcessing") read_template(step);
  }

  static std::string special(const json& item) { return token_text(at(at(item, "SpecialToken"), "id")); }

  void read_template(const json& step) {
    const json& single = at(step, "single");
    if (!single.is_array() || single.size() < 2) return;
    const std::string first = special(single.front()), last = special(single.back());
    if (!first.empty()) {
      if (texts_["bos"].empty()) texts_["bos"] = first;
      if (texts_["cls"].empty() && first != texts_["bos"]) texts_["cls"] = first;
      adds_["bos"] = first == texts_["bos"] || first == texts_["cls"];
    }
    if (!last.empty()) {
      if (last != texts_["eos"]) texts_["eot"] = std::exchange(texts_["eos"], last);
      adds_["eos"] = true;
    }
    read_pair(at(step, "pair"), first, last);
  }

  /// What stands between two texts, where they are not joined by what ends the first.
  void read_pair(const json& pair, const std::string& first, const std::string& last) {
    if (!pair.is_array()) return;
    std::size_t begin = 0, end = pair.size();
    if (begin < end && !first.empty() && special(pair[begin]) == first) ++begin;
    if (begin < end && !last.empty() && special(pair[end - 1]) == last) --end;
    if (end - begin < 3) return;
    const auto separates = [&](const json& item) {
      const std::string text = special(item);
      return !text.empty() && (text == texts_["sep"] || text == texts_["eos"]);
    };
    const bool adds = (separates(pair[begin + 1]) && last.empty()) || (end - begin == 4 && separates(pair[begin + 2]));
    adds_["sep"] = adds;
    if (adds && texts_["sep"].empty()) texts_["sep"] = texts_["eos"];
  }

  std::optional<std::uint64_t> id_of(const std::string& text, std::span<const std::string> tokens) const {
    if (text.empty()) return std::nullopt;
    if (const json& added = at(tokenizer_, "added_tokens"); added.is_array())
      for (const json& token : added)
        if (at(token, "content") == text && at(token, "id").is_number_unsigned())
          return at(token, "id").get<std::uint64_t>();
    const auto found = std::find(tokens.begin(), tokens.end(), text);
    return found == tokens.end() ? std::nullopt : std::optional(static_cast<std::uint64_t>(found - tokens.begin()));
  }

  const json& tokenizer_;
  std::map<std::string_view, std::string> texts_;
  std::map<std::string_view, bool> adds_;
};

/// Whether a text is made lower case, and accents taken off, before it is cut.
void add_normalizer(const json& normalizer, Metadata& metadata) {
  struct Row {
    std::string_view type, key;
  };
  constexpr Row alone[] = {{"Lowercase", "lowercase"}, {"StripAccents", "strip_accents"}};
  for (const Row& row : alone) {
    const std::string key = "tokenizer.ggml.normalizer." + std::string(row.key);
    if (at(normalizer, "type") == row.type) metadata.set(key, true);
    const json& flag = at(normalizer, row.key);
    if (at(normalizer, "type") == "BertNormalizer" && flag.is_boolean()) metadata.set(key, flag.get<bool>());
  }
  if (const json& steps = at(normalizer, "normalizers"); steps.is_array())
    for (const json& step : steps) add_normalizer(step, metadata);
}

void set_template(const std::string& name, const std::string& source, std::vector<std::string>& names,
                  Metadata& metadata) {
  if (name == "default") return metadata.set("tokenizer.chat_template", source);
  metadata.set("tokenizer.chat_template." + name, source);
  names.push_back(name);
}

}  // namespace

Result<void> add_special_tokens(const ModelFolder& folder, const Family& family, const HfConfig& config,
                                Metadata& metadata) {
  HEARTH_TRY(const auto tokenizer, folder.json("tokenizer.json"));
  HEARTH_TRY(const auto settings, folder.json("tokenizer_config.json"));
  Roles found(tokenizer, settings);
  for (const RoleRow& row : family.roles) found.add(row);
  found.write(config, metadata);
  add_normalizer(at(tokenizer, "normalizer"), metadata);
  const Metadata::Value* model = metadata.find("tokenizer.ggml.model");
  const bool spells_spaces = model && *model == Metadata::Value(std::string("llama"));
  if (const json& prefix = at(settings, "add_prefix_space"); prefix.is_boolean() && spells_spaces)
    metadata.set("tokenizer.ggml.add_space_prefix", prefix.get<bool>());
  return {};
}

Result<void> add_chat_templates(const ModelFolder& folder, Metadata& metadata) {
  std::vector<std::string> names;
  HEARTH_TRY(const auto config, folder.json("tokenizer_config.json"));
  const json& given = at(config, "chat_template");
  if (given.is_string()) {
    set_template("default", given.get<std::string>(), names, metadata);
  } else if (given.is_array()) {
    for (const json& item : given)
      if (at(item, "name").is_string() && at(item, "template").is_string())
        set_template(at(item, "name").get<std::string>(), at(item, "template").get<std::string>(), names, metadata);
  } else {
    HEARTH_TRY(const auto source, folder.text("chat_template.jinja"));
    HEARTH_TRY(const auto older, folder.json("chat_template.json"));
    if (source) set_template("default", *source, names, metadata);
    else if (at(older, "chat_template").is_string())
      set_template("default", at(older, "chat_template").get<std::string>(), names, metadata);
    const std::string more = "additional_chat_templates";
    std::error_code none;
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path_of(more), none))
      if (entry.path().extension() == ".jinja") files.push_back(entry.path().filename().string());
    std::sort(files.begin(), files.end());
    for (const std::string& file : files) {
      HEARTH_TRY(const auto text, folder.text(more + "/" + file));
      if (text) set_template(std::filesystem::path(file).stem().string(), *text, names, metadata);
    }
  }
  if (!names.empty()) metadata.set("tokenizer.chat_templates", std::move(names));
  return {};
}

}  // namespace hearth::convert
