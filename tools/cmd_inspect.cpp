// Enters: a model file. Leaves: its metadata, tensors, types and bits per weight, as text or JSON.
#include <cstdio>
#include <hearth/tools.hpp>
#include <map>
#include <nlohmann/json.hpp>

#include "command.h"
#include "options.h"
#include "printable.h"

namespace hearth::cli {
namespace {

constexpr std::size_t kShownValue = 100;  // bytes of one value in the text form

struct TypeTotal {
  std::uint64_t tensors = 0, bytes = 0;
};

std::map<std::string, TypeTotal> totals(const tools::FileReport& report) {
  std::map<std::string, TypeTotal> by_type;
  for (const tools::TensorEntry& tensor : report.tensors) {
    TypeTotal& total = by_type[tensor.type];
    ++total.tensors;
    total.bytes += tensor.bytes;
  }
  return by_type;
}

std::string in_bits(double bits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", bits);
  return text;
}

std::string quoted_json(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::string joined(const std::vector<std::string>& values, std::uint64_t count) {
  std::string text;
  for (const std::string& value : values) text.append(text.empty() ? "" : ",").append(value);
  return values.size() < count && !text.empty() ? text + ",…" : text;
}

/// JSON is put together here and not in a tree of nodes: values come as JSON texts, some as long as the file.
std::string metadata_json(const tools::MetadataEntry& entry) {
  std::string text = quoted_json(entry.key) + ":{\"type\":" + quoted_json(entry.type);
  if (entry.type.rfind("array", 0) != 0) return text + ",\"value\":" + entry.values.at(0) + "}";
  std::string first;
  for (const std::string& value : entry.values) first.append(first.empty() ? "" : ",").append(value);
  return text + ",\"count\":" + std::to_string(entry.count) + ",\"first\":[" + first + "]}";
}

std::string tensor_json(const tools::TensorEntry& tensor) {
  nlohmann::ordered_json object;
  object["name"] = tensor.name;
  object["type"] = tensor.type;
  object["dims"] = tensor.dims;
  object["offset"] = tensor.offset;
  object["bytes"] = tensor.bytes;
  object["shard"] = tensor.shard;
  return object.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::string as_json(const tools::FileReport& report) {
  std::string text = "{\"path\":" + quoted_json(report.path) + ",\"version\":" + std::to_string(report.version) +
                     ",\"file_bytes\":" + std::to_string(report.file_bytes) +
                     ",\"alignment\":" + std::to_string(report.alignment) +
                     ",\"n_parameters\":" + std::to_string(report.n_parameters) +
                     ",\"tensor_bytes\":" + std::to_string(report.tensor_bytes) +
                     ",\"bits_per_weight\":" + nlohmann::json(report.bits_per_weight).dump() + ",\"types\":{";
  const char* separator = "";
  for (const auto& [type, total] : totals(report)) {
    text += separator + quoted_json(type) + ":{\"tensors\":" + std::to_string(total.tensors) +
            ",\"bytes\":" + std::to_string(total.bytes) + "}";
    separator = ",";
  }
  text += "},\"metadata\":{";
  separator = "";
  for (const tools::MetadataEntry& entry : report.metadata) text += separator + metadata_json(entry), separator = ",";
  text += "},\"tensors\":[";
  separator = "";
  for (const tools::TensorEntry& tensor : report.tensors) text += separator + tensor_json(tensor), separator = ",";
  return text + "]}\n";
}

std::string value_text(const tools::MetadataEntry& entry) {
  const bool array = entry.type.rfind("array", 0) == 0;
  std::string text = joined(entry.values, entry.count);
  if (text.size() > kShownValue) {
    std::size_t cut = kShownValue;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
    text = text.substr(0, cut) + "…";
  }
  return array ? "[" + text + "] (" + std::to_string(entry.count) + ")" : text;
}

std::string as_text(const tools::FileReport& report) {
  std::string text = printable(report.path, Lines::escape) + ": GGUF v" + std::to_string(report.version) + ", " +
                     std::to_string(report.file_bytes) + " bytes, alignment " + std::to_string(report.alignment) +
                     "\n" + std::to_string(report.n_parameters) + " parameters in " +
                     std::to_string(report.tensors.size()) + " tensors, " + in_bits(report.bits_per_weight) +
                     " bits per weight\n";
  for (const auto& [type, total] : totals(report))
    text +=
        "  " + type + ": " + std::to_string(total.tensors) + " tensors, " + std::to_string(total.bytes) + " bytes\n";
  text += "\nmetadata: " + std::to_string(report.metadata.size()) + "\n";
  for (const tools::MetadataEntry& entry : report.metadata)
    text += "  " + printable(entry.key, Lines::escape) + " (" + entry.type +
            ") = " + printable(value_text(entry), Lines::escape) + "\n";
  text += "\ntensors: " + std::to_string(report.tensors.size()) + "\n";
  for (const tools::TensorEntry& tensor : report.tensors) {
    text += "  " + printable(tensor.name, Lines::escape) + " " + tensor.type + " [";
    for (std::size_t i = 0; i < tensor.dims.size(); ++i) text += (i ? ", " : "") + std::to_string(tensor.dims[i]);
    text += "] " + std::to_string(tensor.bytes) + " bytes at " + std::to_string(tensor.offset) +
            (tensor.shard ? " of shard " + std::to_string(tensor.shard) : "") + "\n";
  }
  return text;
}

/// What the file's authors recommend for sampling, "temp 0.7, top_k 20"; empty where they say nothing.
std::string recommended(const tools::FileReport& report) {
  constexpr std::string_view prefix = "general.sampling.";
  std::string words;
  for (const tools::MetadataEntry& entry : report.metadata)
    if (entry.key.rfind(prefix, 0) == 0)
      words += (words.empty() ? "" : ", ") + printable(entry.key.substr(prefix.size()), Lines::escape) + " " +
               printable(value_text(entry), Lines::escape);
  return words;
}

class Inspect : public Command {
 public:
  void declare(CLI::App& app) override {
    model_.declare(app, ModelFile::Need::required);
    add_flag(app, "--json", json_, "one JSON object");
  }

  Result<void> run(Console& console) override {
    auto path = model_.path();
    if (!path) return path.error();
    auto report = tools::inspect(*path, 8, model_.mmap());
    if (!report) return report.error();
    if (!console.write(json_ ? as_json(*report) : as_text(*report))) return {};  // nobody reads on
    if (const std::string words = recommended(*report); !words.empty())
      console.note("for sampling the model recommends " + words);
    return {};
  }

 private:
  ModelFile model_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_inspect() { return std::make_unique<Inspect>(); }

}  // namespace hearth::cli
