// What tests need of cuda_device.h where there is no device: its memory is the host's, and what is queued has already been done.
#include <cstdlib>
#include <cstring>

#include "cuda_device.h"

namespace hearth::kernels::cuda {

int device_count() { return 1; }
bool use_device(int device) { return device == 0; }
bool device_facts(int, DeviceFacts& facts) {
  facts = {"the host, which runs the same source", 0, 0, 1, 0, 0};
  return true;
}
const char* take_error() { return nullptr; }
std::byte* allocate(std::size_t bytes) {
  return static_cast<std::byte*>(std::aligned_alloc(256, (bytes / 256 + 1) * 256));
}
void release(std::byte* memory) { std::free(memory); }
Stream make_stream() { return nullptr; }
void release_stream(Stream) {}
void wait(Stream) {}
void copy_to_device(Stream, void* to, const void* from, std::size_t bytes) { std::memcpy(to, from, bytes); }
void copy_to_host(Stream, void* to, const void* from, std::size_t bytes) { std::memcpy(to, from, bytes); }
void fill(Stream, void* to, int byte, std::size_t bytes) { std::memset(to, byte, bytes); }

}  // namespace hearth::kernels::cuda
