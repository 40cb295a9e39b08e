// Enters: texts. Leaves: their embeddings: a vector a line, or one JSON object.
#include <algorithm>
#include <array>
#include <charconv>
#include <hearth/tools.hpp>
#include <iterator>

#include "command.h"
#include "options.h"
#include "text_input.h"

namespace hearth::cli {
namespace {

constexpr std::array kPoolings = {std::pair{"model", Pooling::model}, std::pair{"none", Pooling::none},
                                  std::pair{"mean", Pooling::mean}, std::pair{"cls", Pooling::cls},
                                  std::pair{"last", Pooling::last}};

Pooling pooling_named(const std::string& name) {
  for (const auto& [known, pooling] : kPoolings)
    if (name == known) return pooling;
  return Pooling::model;
}

/// Numbers with as many digits as bring the same f32 back.
std::string joined(std::span<const float> values, char between) {
  std::string text;
  char digits[32];
  for (const float& value : values) {
    if (&value != values.data()) text += between;
    text.append(digits, std::to_chars(digits, std::end(digits), value).ptr);
  }
  return text;
}

/// The texts of a file, one a line; a line may end in CR LF, the last one in nothing.
std::vector<std::string> lines_of(std::string_view file) {
  std::vector<std::string> lines;
  while (!file.empty()) {
    const std::size_t end = std::min(file.find('\n'), file.size());
    std::string_view line = file.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line);
    file.remove_prefix(std::min(end + 1, file.size()));
  }
  return lines;
}

class Embed : public Command {
 public:
  void declare(CLI::App& app) override {
    model_.declare(app, ModelFile::Need::required);
    CLI::Option* texts = add_any_texts(app, "-p", "TEXT", texts_, "a text; several, or given again, for several texts");
    add_text(app, "-f", "FILE", file_, "a file of texts, one a line, up to 256 MiB")->excludes(texts);
    std::vector<std::string> names;
    for (const auto& row : kPoolings) names.emplace_back(row.first);
    add_choice(app, "--pooling", names, pooling_,
               "how a text's rows become one vector: model (as the file says, default)|none|mean|cls|last");
    add_flag(app, "--json", json_, "one JSON object: {\"dim\", \"embeddings\"}");
    app.callback([this] {
      model_.settle();
      if (texts_.empty() && !file_) throw CLI::ValidationError("-p TEXT or -f FILE is required");
    });
  }

  Result<void> run(Console& console) override {
    auto session = model_.session_options();
    if (!session) return session.error();
    auto unpooled = keeps_rows();
    if (!unpooled) return unpooled.error();
    auto model = model_.open();
    if (!model) return model.error();
    if (file_) {
      auto file = read_text_file(*file_, kGiveFileOrText);
      if (!file) return file.error();
      texts_ = lines_of(*file);
    }
    const EmbedOptions options{pooling_named(pooling_), true, session->n_ctx, session->kv, session->chunk};
    const auto dim = static_cast<std::size_t>(model->info().dim);
    std::string all;  // of a JSON object: nothing is written unless it is whole
    // Nothing looks at Ctrl-C while a text is computed, so it ends the program at once then; a line is written whole.
    auto done = model->embed(texts_, options, [&](std::span<const float> embedding) {
      if (json_) return all += (all.empty() ? "" : ",") + as_json(embedding, dim, *unpooled), true;
      const Interruptible while_writing;
      return write_lines(console, embedding, dim);
    });
    if (!done) return done.error();
    if (interrupted()) return Error(Status::cancelled, "interrupted; embedding; call again");
    if (json_) console.write("{\"dim\":" + std::to_string(dim) + ",\"embeddings\":[" + all + "]}\n");
    return {};
  }

 private:
  /// Whether an object has a vector of each token: as the call says, or else the model's file, where 0 is no pooling.
  Result<bool> keeps_rows() const {
    if (!json_ || pooling_ != "model") return pooling_ == "none";
    auto path = model_.path();
    if (!path) return path.error();
    auto report = tools::inspect(*path, 0, model_.mmap());
    if (!report) return report.error();
    return std::any_of(report->metadata.begin(), report->metadata.end(), [](const tools::MetadataEntry& entry) {
      return entry.key.ends_with(".pooling_type") && entry.values == std::vector<std::string>{"0"};
    });
  }

  static bool write_lines(Console& console, std::span<const float> rows, std::size_t dim) {
    for (; !rows.empty(); rows = rows.subspan(dim))
      if (!console.write(joined(rows.first(dim), ' ') + "\n") || interrupted()) return false;
    return true;
  }

  /// An array of numbers; unpooled, an array of those, one a token.
  static std::string as_json(std::span<const float> rows, std::size_t dim, bool unpooled) {
    if (!unpooled) return "[" + joined(rows, ',') + "]";
    std::string text = "[";
    for (; !rows.empty(); rows = rows.subspan(dim))
      text += (text.size() > 1 ? ",[" : "[") + joined(rows.first(dim), ',') + "]";
    return text + "]";
  }

  ModelRun model_;
  std::vector<std::string> texts_;
  std::optional<std::string> file_;
  std::string pooling_ = "model";
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_embed() { return std::make_unique<Embed>(); }

}  // namespace hearth::cli
