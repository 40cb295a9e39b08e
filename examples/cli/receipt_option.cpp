// Enters: --receipt, and what a call made. Leaves: its receipt in that file; and the digests that receipts need.
#include "receipt_option.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "is_model.h"
#include "options.h"
#include "printable.h"

namespace hearth::cli {
namespace {

/// Where digests are remembered; empty: nowhere.
std::string digest_memory() {
  std::string folder;
  if (const char* own = environment("HEARTH_CACHE")) {
    if (std::string_view(own) == "off") return "";
    folder = own;
  } else if (const char* cache = environment("XDG_CACHE_HOME"); cache && *cache == '/') {
    folder = std::string(cache) + "/hearth";
  } else if (const char* home = environment("HOME")) {
    folder = std::string(home) + "/.cache/hearth";
  }
  return folder.empty() ? "" : folder + "/digests";
}

}  // namespace

void ReceiptOption::declare(CLI::App& app) {
  add_text(app, "--receipt", "FILE", path_,
           "write what the text follows from, and the text as token ids, for `hearth replay`; the model's digest is "
           "remembered in ~/.cache/hearth, or in the folder HEARTH_CACHE; HEARTH_CACHE=off: nowhere");
}

Result<void> ReceiptOption::check(const std::vector<std::string>& inputs) const {
  if (!path_) return {};
  const bool is_read = std::any_of(inputs.begin(), inputs.end(), [&](const std::string& input) {
    std::error_code none;
    return std::filesystem::equivalent(*path_, input, none);
  });
  if (is_read || is_model(*path_))
    return Error(Status::invalid_argument, "the receipt would take the place of " +
                                               std::string(is_read ? "what the call reads" : "a model") +
                                               "; --receipt " + in_quotes(*path_) + "; name another file");
  return tools::check_writable(*path_);
}

template <class Options, class Made>
Result<void> ReceiptOption::write(const Model& model, const Session& session, const Options& options, const Made& reply,
                                  Console& console) const {
  if (!path_) return {};
  auto files = digests_of(model, console);
  if (!files) return files.error();
  auto receipt = tools::make_receipt(session, options, reply, std::move(*files));
  if (!receipt) return receipt.error();
  return tools::save_receipt(*receipt, *path_);
}

template Result<void> ReceiptOption::write(const Model&, const Session&, const GenerateOptions&, const Reply&,
                                           Console&) const;
template Result<void> ReceiptOption::write(const Model&, const Session&, const ChatOptions&, const ChatReply&,
                                           Console&) const;

Result<std::vector<tools::FileDigest>> digests_of(const Model& model, Console& console) {
  const auto start = std::chrono::steady_clock::now();
  int shown = 0;  // tenths
  const auto tell = [&](double done) {
    const int tenth = static_cast<int>(10 * done);
    if (tenth > shown && std::chrono::steady_clock::now() - start > std::chrono::seconds(1)) {
      shown = tenth;
      console.note("the model's sha256: " + std::to_string(10 * tenth) + "%");
    }
    return true;
  };
  return tools::file_digests(model, {.memory = digest_memory(), .on_progress = tell});
}

}  // namespace hearth::cli
