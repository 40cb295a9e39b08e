// Enters: --receipt, and what a call made. Leaves: its receipt in that file; and the digests that receipts need.
#pragma once

#include <CLI/CLI.hpp>
#include <hearth/tools.hpp>
#include <optional>
#include <string>
#include <vector>

#include "console.h"

namespace hearth::cli {

class ReceiptOption {
 public:
  void declare(CLI::App& app);
  bool given() const { return path_.has_value(); }

  /// Whether the file can be written, before there is anything to lose: it takes no model's place, and that of none of the files
  /// that the call reads. `inputs`: those; empty: none.
  Result<void> check(const std::vector<std::string>& inputs) const;

  /// Writes the receipt that the call wants, if it wants one.
  template <class Options, class Made>
  Result<void> write(const Model& model, const Session& session, const Options& options, const Made& reply,
                     Console& console) const;

 private:
  std::optional<std::string> path_;
};

/// The model's digests, remembered in HEARTH_CACHE, or else in the user's cache folder; with some words where that takes a while.
Result<std::vector<tools::FileDigest>> digests_of(const Model& model, Console& console);

}  // namespace hearth::cli
