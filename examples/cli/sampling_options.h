// Enters: the sampling options of a call. Leaves: SamplingOptions.
#pragma once

#include <CLI/CLI.hpp>
#include <hearth/hearth.hpp>

namespace hearth::cli {

/// Writes into `sampling` while the call is parsed; every range is the library's. `--seed random` draws one from the system.
void declare_sampling(CLI::App& app, SamplingOptions& sampling);

}  // namespace hearth::cli
