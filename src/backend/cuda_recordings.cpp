// Enters: the shapes of passes. Leaves: passes that were recorded as they were queued, queued again as a whole.
#include "cuda_recordings.h"

#include <algorithm>
#include <utility>

namespace hearth::backend {

namespace cuda = kernels::cuda;

bool CudaRecordings::begin(cuda::Stream stream, const PassShape& shape) {
  const auto found = std::find_if(known_.begin(), known_.end(), [&](const Known& k) { return k.shape == shape; });
  if (found == known_.end()) {
    if (known_.size() == kMost) {
      if (known_.front().graph) cuda::release_graph(known_.front().graph);
      known_.erase(known_.begin());
    }
    known_.push_back({shape, nullptr});
    return true;
  }
  if (found->graph) {
    cuda::replay(stream, found->graph);
    return false;
  }
  std::rotate(found, found + 1, known_.end());
  cuda::begin_recording(stream);
  recording_ = true;
  return true;
}

bool CudaRecordings::end(cuda::Stream stream) {
  if (!std::exchange(recording_, false)) return true;
  known_.back().graph = cuda::end_recording(stream);
  if (!known_.back().graph) return false;
  cuda::replay(stream, known_.back().graph);
  return true;
}

void CudaRecordings::clear() {
  for (const Known& known : known_)
    if (known.graph) cuda::release_graph(known.graph);
  known_.clear();
}

}  // namespace hearth::backend
