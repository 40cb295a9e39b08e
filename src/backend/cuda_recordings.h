// Enters: the shapes of passes. Leaves: passes that were recorded as they were queued, queued again as a whole.
#pragma once

#include <cstdint>
#include <vector>

#include "cuda_device.h"

namespace hearth::backend {

/// All that decides which launches a pass consists of: passes of one shape differ in what lies in memory alone.
struct PassShape {
  std::uint64_t space = 0;
  std::int64_t n_rows = 0, n_wanted = 0, n_tiles = 0, longest = 0;
  bool hidden = false, draws = false;
  bool operator==(const PassShape&) const = default;
};

/// The first pass of a shape is queued, the second recorded; from then on the recording is replayed. A few shapes are known, those
/// known longest are forgotten.
class CudaRecordings {
 public:
  CudaRecordings() = default;
  ~CudaRecordings() { clear(); }
  CudaRecordings(const CudaRecordings&) = delete;
  CudaRecordings& operator=(const CudaRecordings&) = delete;

  /// Whether the verbs are to be called, be it to record them; else the pass has been queued.
  bool begin(kernels::cuda::Stream stream, const PassShape& shape);
  /// Once they have been called. What was recorded is queued now; false: the runtime made nothing of it, nothing is queued.
  bool end(kernels::cuda::Stream stream);

  /// Forgets all: what they read or write has moved.
  void clear();

 private:
  struct Known {
    PassShape shape;
    kernels::cuda::Graph graph;  // none before the second pass
  };
  static constexpr std::size_t kMost = 16;
  std::vector<Known> known_;
  bool recording_ = false;  // the last of those known
};

}  // namespace hearth::backend
