// Enters: a text, or token ids. Leaves: its token ids as a JSON array, or their text.
#include <charconv>
#include <hearth/tools.hpp>
#include <iterator>

#include "command.h"
#include "options.h"
#include "text_input.h"

namespace hearth::cli {
namespace {

std::string as_json(const std::vector<std::int32_t>& ids) {
  constexpr std::ptrdiff_t kLongest = 12;  // a comma and an id
  std::string text = "[";
  text.reserve(7 * ids.size() + 3);
  char piece[4096];  // appending millions of ids one by one would cost as much as finding them
  char* at = piece;
  for (const std::int32_t& id : ids) {
    if (std::end(piece) - at < kLongest) {
      text.append(piece, at);
      at = piece;
    }
    if (&id != ids.data()) *at++ = ',';
    at = std::to_chars(at, std::end(piece), id).ptr;
  }
  return text.append(piece, at).append("]\n");
}

class Tokenize : public Command {
 public:
  void declare(CLI::App& app) override {
    model_.declare(app, ModelFile::Need::required);
    text_.declare(app, TextInput::Otherwise::nothing);
    add_pre(app, pre_);
    CLI::Option* decode = add_ids(app, "--decode", ids_, "print the text of these ids instead");
    decode->excludes(add_flag(app, "--special", special_, "add BOS and EOS as the model says"));
    decode->excludes(add_flag(app, "--parse", parse_, "text that spells a special token becomes it"));
    decode->excludes("-p")->excludes("-f");
    app.callback([this] {
      if (!ids_ && !text_.given()) throw CLI::ValidationError("-p TEXT, -f FILE or --decode ID,ID,… is required");
    });
  }

  Result<void> run(Console& console) override {
    auto path = model_.path();
    if (!path) return path.error();
    auto tokenizer = tools::Tokenizer::open(*path, model_.mmap(), pre_.value_or(""));
    if (!tokenizer) return tokenizer.error();
    auto result = ids_ ? tokenizer->decode(*ids_) : encode(*tokenizer, console);
    if (!result) return result.error();
    console.write(*result);
    return {};
  }

 private:
  Result<std::string> encode(const tools::Tokenizer& tokenizer, Console& console) const {
    auto text = text_.read(console);
    if (!text) return text.error();
    auto ids = tokenizer.encode(*text, special_, parse_);
    if (!ids) return ids.error();
    return as_json(*ids);
  }

  ModelFile model_;
  TextInput text_;
  std::optional<std::vector<std::int32_t>> ids_;
  bool special_ = false, parse_ = false;
  std::optional<std::string> pre_;
};

}  // namespace

std::unique_ptr<Command> make_tokenize() { return std::make_unique<Tokenize>(); }

}  // namespace hearth::cli
