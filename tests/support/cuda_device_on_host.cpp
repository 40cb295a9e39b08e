// What tests need of cuda_device.h where there is no device: its memory is the host's, and what is queued has already been done.
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "cuda_device.h"
#include "cuda_on_host.h"

namespace hearth::kernels::cuda {
namespace {

constexpr std::uint64_t kMemory = std::uint64_t{256} << 20;  // little, so that too much can be asked for
constexpr std::size_t kHeader = 256;                         // before each piece: its bytes
std::atomic<std::uint64_t> taken{0};
std::unique_ptr<on_host::Recording> recording;  // under way

}  // namespace

int device_count() { return 1; }
bool use_device(int device) { return device == 0; }
bool device_facts(int, DeviceFacts& facts) {
  facts = {"the host, which runs the same source", kMemory, kMemory - taken.load(), 1, 0, 0};
  return true;
}
const char* take_error() { return nullptr; }
std::byte* allocate(std::size_t bytes) {
  if (taken.fetch_add(bytes) + bytes > kMemory) {
    taken -= bytes;
    return nullptr;
  }
  auto* const memory = static_cast<std::byte*>(std::aligned_alloc(256, kHeader + (bytes / 256 + 1) * 256));
  std::memcpy(memory, &bytes, sizeof bytes);
  return memory + kHeader;
}
void release(std::byte* memory) {
  if (!memory) return;
  std::size_t bytes = 0;
  std::memcpy(&bytes, memory - kHeader, sizeof bytes);
  taken -= bytes;
  std::free(memory - kHeader);
}
std::byte* allocate_pinned(std::size_t bytes) { return static_cast<std::byte*>(std::malloc(bytes)); }
void release_pinned(std::byte* memory) { std::free(memory); }
Stream make_stream() { return nullptr; }
void release_stream(Stream) {}
void wait(Stream) {}
void copy_to_device(Stream, void* to, const void* from, std::size_t bytes) { std::memcpy(to, from, bytes); }
void copy_to_host(Stream, void* to, const void* from, std::size_t bytes) { std::memcpy(to, from, bytes); }
void copy_on_device(Stream, void* to, const void* from, std::size_t bytes) { std::memcpy(to, from, bytes); }
void fill(Stream, void* to, int byte, std::size_t bytes) { std::memset(to, byte, bytes); }

void begin_recording(Stream) {
  recording = std::make_unique<on_host::Recording>();
  on_host::record(recording.get());
}
Graph end_recording(Stream) {
  on_host::record(nullptr);
  return reinterpret_cast<Graph>(recording.release());
}
void replay(Stream, Graph graph) {
  for (const auto& launch : *reinterpret_cast<on_host::Recording*>(graph)) launch();
}
void release_graph(Graph graph) { delete reinterpret_cast<on_host::Recording*>(graph); }
}  // namespace hearth::kernels::cuda
