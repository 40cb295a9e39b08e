// Enters: a receipt. Leaves: exit 0 if its text comes out the same here, else the first token that differs.
#include <filesystem>

#include "bundled_model.h"
#include "command.h"
#include "options.h"
#include "printable.h"
#include "receipt_option.h"

namespace hearth::cli {
namespace {

namespace fs = std::filesystem;

/// Where the receipt says; the model that Hearth brings lies elsewhere on every machine.
Result<std::string> find_receipts_model(const std::string& path) {
  std::error_code ignored;
  if (fs::exists(path, ignored)) return path;
  if (auto bundled = bundled_model(); bundled && fs::path(*bundled).filename() == fs::path(path).filename())
    return bundled;
  return Error(Status::not_found,
               "the model is not where the receipt says; " + in_quotes(path) + "; name its file after the receipt");
}

std::string at(const std::vector<std::int32_t>& tokens, std::int64_t n) {
  return n < static_cast<std::int64_t>(tokens.size()) ? std::to_string(tokens[static_cast<std::size_t>(n)])
                                                      : "the text's end";
}

Error differing(const tools::Receipt& receipt, const tools::Replay& replay, const std::string& name) {
  const std::string what = replay.differs        ? "token " + std::to_string(*replay.differs) + " differs"
                           : !replay.same_finish ? "the text ends for another reason"
                                                 : "the last logits differ";
  std::string where = in_quotes(name);
  if (replay.differs)
    where += " has " + at(receipt.tokens, *replay.differs) + ", here comes " + at(replay.reply.tokens, *replay.differs);
  return Error(Status::internal,
               what + "; " + where + "; the receipt was altered; if it was not, please report it with both machines");
}

class Replay : public Command {
 public:
  void declare(CLI::App& app) override {
    add_text(app, "RECEIPT", "FILE", receipt_, "what --receipt wrote")->required();
    model_.declare(app, ModelFile::Need::optional);
    app.get_option("MODEL")->description("its model, the first file of a split one; without it where the receipt says");
    for (const char* own : {"--ctx", "--kv", "--pre"}) app.remove_option(app.get_option(own));  // the receipt's
    app.callback([this] { model_.settle(); });
  }

  Result<void> run(Console& console) override {
    auto receipt = tools::load_receipt(*receipt_);
    if (!receipt) return receipt.error();
    auto options = model_.session_options();
    if (!options) return options.error();
    auto path = model_.named() ? model_.path() : find_receipts_model(receipt->path);
    if (!path) return path.error();
    auto model = Model::open(*path, model_.model_options());
    if (!model) return model.error();
    auto files = digests_of(*model, console);
    if (!files) return files.error();
    auto replay = tools::replay(*model, *receipt, *files, {.chunk = options->chunk});
    if (!replay) return replay.error();
    if (!replay->same()) return differing(*receipt, *replay, *receipt_);
    console.note("the same " + std::to_string(receipt->tokens.size()) + " tokens and last logits; threads " +
                 std::to_string(model->info().threads) + "; isa " + model->info().isa + "; device " +
                 printable(model->info().device, Lines::escape) + "; made with hearth " + receipt->hearth +
                 ", threads " + std::to_string(receipt->threads) + ", isa " + receipt->isa + ", device " +
                 printable(receipt->device, Lines::escape));
    return {};
  }

 private:
  std::optional<std::string> receipt_;
  ModelRun model_;
};

}  // namespace

std::unique_ptr<Command> make_replay() { return std::make_unique<Replay>(); }

}  // namespace hearth::cli
