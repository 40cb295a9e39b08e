// Enters: who watches a call, and how much of it is done. Leaves: whether it goes on.
#pragma once

#include <algorithm>
#include <cstdint>
#include <hearth/result.hpp>
#include <string>

namespace hearth {

/// Hears and tells whoever the options name: whoever says stop gets an error that ends in `rest`, "; WHERE; WHAT TO DO".
template <class Options> Result<void> goes_on(const Options& options, double done, const char* rest) {
  const bool cancelled = options.cancelled && options.cancelled();
  if (!cancelled && (!options.on_progress || options.on_progress(done))) return {};
  return Error(Status::cancelled, std::string("the call was cancelled") + rest);
}

/// Whether somebody wants to be heard soon.
template <class Options> bool watched(const Options& options) { return options.cancelled || options.on_progress; }

/// How many of a call's bytes, tokens or other steps are done.
template <class Options> class Progress {
 public:
  Progress(const Options& options, std::uint64_t total, const char* rest)
      : options_(options), total_(std::max<std::uint64_t>(1, total)), rest_(rest) {}

  void add(std::uint64_t done) { done_ += done; }
  Result<void> goes_on() const {
    return hearth::goes_on(options_, static_cast<double>(done_) / static_cast<double>(total_), rest_);
  }

 private:
  const Options& options_;
  std::uint64_t done_ = 0, total_;
  const char* rest_;
};

}  // namespace hearth
