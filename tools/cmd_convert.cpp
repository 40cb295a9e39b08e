// Enters: a Hugging Face model folder. Leaves: a model file, and in a few words what became of the folder.
#include <hearth/tools.hpp>

#include "command.h"
#include "options.h"
#include "printable.h"

namespace hearth::cli {
namespace {

std::string in_mib(std::uint64_t bytes) {
  const std::uint64_t tenths = (bytes * 10 + (1 << 19)) >> 20;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " MiB";
}

/// "3 KIND: a b c", of many the first eight.
std::string listed(const std::vector<std::string>& names, const std::string& kind) {
  if (names.empty()) return "";
  std::string text = std::to_string(names.size()) + " " + kind + ":";
  for (std::size_t i = 0; i < names.size() && i < 8; ++i) text += " " + printable(names[i], Lines::escape);
  return text + (names.size() > 8 ? " …\n" : "\n");
}

std::string summary(const tools::ConvertReport& report, const std::string& out) {
  std::string text = report.architecture + ", " + std::to_string(report.n_parameters) + " parameters in " +
                     std::to_string(report.n_tensors) + " tensors, " + report.type + ", " +
                     in_mib(report.tensor_bytes) + ": " + printable(out, Lines::escape) + "\n";
  if (report.n_fallback != 0)
    text += std::to_string(report.n_fallback) + " tensors are f16: their rows are no multiple of a block of " +
            report.type + "\n";
  text += listed(report.left_out, "tensors left out");
  text += listed(report.tokens_left_out, "added tokens left out, the embedding has no rows for them");
  if (report.n_pieces_left_out != 0)
    text += std::to_string(report.n_pieces_left_out) + " pieces left out, the embedding has no rows for them\n";
  if (report.tokenizer == "none") text += "no tokenizer: the folder has neither tokenizer.json nor tokenizer.model\n";
  return text;
}

/// A line on stderr for each tenth of the way.
class Tenths {
 public:
  explicit Tenths(Console& console) : console_(console) {}

  void show(const tools::ConvertProgress& at) {
    const std::uint64_t tenth = at.bytes_total == 0 ? 0 : at.bytes_done / (at.bytes_total / 10 + 1);
    if (tenth <= shown_) return;
    shown_ = tenth;
    console_.note(std::to_string(10 * tenth) + "% of " + in_mib(at.bytes_total));
  }

 private:
  Console& console_;
  std::uint64_t shown_ = 0;
};

class Convert : public Command {
 public:
  void declare(CLI::App& app) override {
    add_text(app, "HF_DIR", "FOLDER", folder_, "a folder with config.json, safetensors and a tokenizer")->required();
    add_text(app, "OUT", "FILE", out_, "the .gguf file to write")->required();
    add_word(app, "--type", "TYPE", type_, "of the weights: f32, f16, bf16, q8_0, … (default: what the folder has)");
  }

  Result<void> run(Console& console) override {
    const Interruptible from_now_on;
    Tenths tenths(console);
    const auto progress = [&](const tools::ConvertProgress& at) {
      tenths.show(at);
      return !interrupted();
    };
    auto report = tools::convert(*folder_, *out_, {type_.value_or(""), progress});
    if (!report) return report.error();
    console.write(summary(*report, *out_));
    return {};
  }

 private:
  std::optional<std::string> folder_, out_, type_;
};

}  // namespace

std::unique_ptr<Command> make_convert() { return std::make_unique<Convert>(); }

}  // namespace hearth::cli
