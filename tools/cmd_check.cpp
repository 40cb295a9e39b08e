// Enters: a model file. Leaves: what is wrong with it, or worth knowing, as text or JSON; an error if anything is fatal.
#include <algorithm>
#include <hearth/tools.hpp>
#include <nlohmann/json.hpp>

#include "command.h"
#include "options.h"
#include "printable.h"

namespace hearth::cli {
namespace {

using Severity = tools::Finding::Severity;

const char* name(Severity severity) {
  switch (severity) {
    case Severity::note:
      return "note";
    case Severity::warning:
      return "warning";
    case Severity::fatal:
      break;
  }
  return "fatal";
}

std::string as_json(const std::string& path, const std::vector<tools::Finding>& findings, std::size_t n_fatal) {
  nlohmann::ordered_json object;
  object["path"] = path;
  object["sound"] = n_fatal == 0;
  object["findings"] = nlohmann::ordered_json::array();
  for (const tools::Finding& finding : findings) {
    nlohmann::ordered_json entry;
    entry["severity"] = name(finding.severity);
    entry["part"] = finding.part;
    entry["message"] = finding.message;
    object["findings"].push_back(std::move(entry));
  }
  return object.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string as_text(const std::vector<tools::Finding>& findings) {
  std::string text;
  for (const tools::Finding& finding : findings) {
    text += std::string(name(finding.severity)) + ": " + finding.part + ": " +
            printable(finding.message, Lines::escape) + "\n";
  }
  return text.empty() ? "nothing found\n" : text;
}

class Check : public Command {
 public:
  void declare(CLI::App& app) override {
    model_.declare(app, ModelFile::Need::required);
    add_flag(app, "--tensors", tensors_, "look at every value of every tensor");
    add_flag(app, "--json", json_, "one JSON object");
    add_word(app, "--tokenizer", "FILE", tokenizer_, "compare with this tokenizer.json of the same model");
  }

  Result<void> run(Console& console) override {
    auto path = model_.path();
    if (!path) return path.error();
    auto findings = tools::check(*path, {tensors_, tokenizer_.value_or(""), model_.mmap()});
    if (!findings) return findings.error();
    const auto n_fatal = static_cast<std::size_t>(
        std::count_if(findings->begin(), findings->end(), [](const auto& f) { return f.severity == Severity::fatal; }));
    console.write(json_ ? as_json(*path, *findings, n_fatal) : as_text(*findings));
    if (n_fatal == 0) return {};
    return Error(Status::malformed, std::to_string(n_fatal) + (n_fatal == 1 ? " finding is" : " findings are") +
                                        " fatal; " + in_quotes(*path) +
                                        "; see the findings, then fetch the file or convert it again");
  }

 private:
  ModelFile model_;
  std::optional<std::string> tokenizer_;
  bool tensors_ = false, json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_check() { return std::make_unique<Check>(); }

}  // namespace hearth::cli
