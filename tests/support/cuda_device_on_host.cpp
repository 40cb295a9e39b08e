// What tests need of cuda_device.h where there is no device: three of them, whose memory is the host's and who have already done
// what is queued.
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "cuda_device.h"
#include "cuda_on_host.h"

namespace hearth::kernels::cuda {
namespace {

constexpr int kDevices = 3;
constexpr std::uint64_t kMemory = std::uint64_t{256} << 20;  // little, so that too much can be asked for
constexpr std::size_t kHeader = 256;                         // before each piece
struct Header {
  std::size_t bytes;
  int device;
};
std::array<std::atomic<std::uint64_t>, kDevices> taken{};
thread_local int chosen = 0;                    // device
std::unique_ptr<on_host::Recording> recording;  // under way

}  // namespace

int device_count() { return kDevices; }
bool use_device(int device) {
  chosen = device;
  return true;
}
bool device_facts(int device, DeviceFacts& facts) {
  facts = {"the host, which runs the same source", kMemory, kMemory - taken[static_cast<std::size_t>(device)], 1, 0, 0};
  return true;
}
const char* take_error() { return nullptr; }
std::byte* allocate(std::size_t bytes) {
  std::atomic<std::uint64_t>& here = taken[static_cast<std::size_t>(chosen)];
  if (here.fetch_add(bytes) + bytes > kMemory) {
    here -= bytes;
    return nullptr;
  }
  auto* const memory = static_cast<std::byte*>(std::aligned_alloc(256, kHeader + (bytes / 256 + 1) * 256));
  const Header header{bytes, chosen};
  std::memcpy(memory, &header, sizeof header);
  return memory + kHeader;
}
void release(std::byte* memory) {
  if (!memory) return;
  Header header{};
  std::memcpy(&header, memory - kHeader, sizeof header);
  taken[static_cast<std::size_t>(header.device)] -= header.bytes;
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
