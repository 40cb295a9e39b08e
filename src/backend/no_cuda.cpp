// A build without CUDA.
#include <string>

#include "cuda.h"

namespace hearth::backend {

Result<std::unique_ptr<Backend>> open_cuda(int device) {
  return Error(Status::unsupported, "this build has no CUDA; device cuda:" + std::to_string(device) +
                                        "; use the device cpu or a build with HEARTH_CUDA=ON");
}

}  // namespace hearth::backend
