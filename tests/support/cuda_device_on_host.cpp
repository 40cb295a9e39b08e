// What tests need of cuda_device.h where there is no device: three of them, whose memory is the host's and who have already done
// what is queued.
#include <sys/mman.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>

#include "cuda_device.h"
#include "cuda_on_host.h"
#include "host_device.h"

namespace hearth::kernels::cuda {
namespace {

constexpr int kDevices = 3;
constexpr std::uint64_t kMemory = std::uint64_t{256} << 20;  // little, so that too much can be asked for

/// A device's memory: closed to all but what works on that device, so that whoever takes a device's address elsewhere crashes here as
/// it would there.
class Memory {
 public:
  Memory() {
    void* const there = ::mmap(nullptr, kRoom, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (there == MAP_FAILED) std::abort();
    base_ = static_cast<std::byte*>(there);
  }

  std::byte* take(std::size_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (bytes > kMemory - taken_) return nullptr;
    std::size_t at = 0;  // the first gap that has room
    for (const auto& [begin, piece] : pieces_) {
      if (begin - at >= room(bytes)) break;
      at = begin + room(piece);
    }
    if (at + room(bytes) > kRoom) return nullptr;
    pieces_[at] = bytes, taken_ += bytes;
    return base_ + at;
  }
  void give_back(const std::byte* memory) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto piece = pieces_.find(static_cast<std::size_t>(memory - base_));
    taken_ -= piece->second;
    pieces_.erase(piece);
  }
  bool has(const std::byte* memory) const { return memory >= base_ && memory < base_ + kRoom; }
  std::uint64_t left() const { return kMemory - taken_; }

  void open(bool yes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    n_open_ += yes ? 1 : -1;
    if (n_open_ == (yes ? 1 : 0)) ::mprotect(base_, kRoom, yes ? PROT_READ | PROT_WRITE : PROT_NONE);
  }

 private:
  static constexpr std::size_t kRoom = 2 * kMemory;  // gaps included
  static std::size_t room(std::size_t bytes) { return (bytes / 256 + 1) * 256; }

  std::byte* base_;
  std::mutex mutex_;
  std::map<std::size_t, std::size_t> pieces_;  // from where they begin to their bytes
  std::atomic<std::uint64_t> taken_{0};
  int n_open_ = 0;
};

Memory memories[kDevices];
thread_local int chosen = 0;                    // device
std::unique_ptr<on_host::Recording> recording;  // under way

Memory& memory() { return memories[static_cast<std::size_t>(chosen)]; }

/// While the runtime copies.
struct Opened {
  Opened() { memory().open(true); }
  ~Opened() { memory().open(false); }
};

const bool told = (
    on_host::kernel_works = [](bool now) { memory().open(now); }, true);

}  // namespace

int device_count() { return kDevices; }
bool use_device(int device) {
  chosen = device;
  return true;
}
bool device_facts(int device, DeviceFacts& facts) {
  facts = {"the host, which runs the same source",
           kMemory,
           memories[static_cast<std::size_t>(device)].left(),
           1,
           9,
           0,
           227 << 10};
  return true;
}
const char* take_error() { return nullptr; }
std::byte* allocate(std::size_t bytes) { return memory().take(bytes); }
void release(std::byte* memory) {
  for (Memory& device : memories)
    if (device.has(memory)) device.give_back(memory);
}
std::byte* allocate_pinned(std::size_t bytes) { return static_cast<std::byte*>(std::malloc(bytes)); }
void release_pinned(std::byte* memory) { std::free(memory); }
Stream make_stream() { return nullptr; }
void release_stream(Stream) {}
void wait(Stream) {}
void copy_to_device(Stream, void* to, const void* from, std::size_t bytes) {
  const Opened here;
  std::memcpy(to, from, bytes);
}
void copy_to_host(Stream, void* to, const void* from, std::size_t bytes) {
  const Opened here;
  std::memcpy(to, from, bytes);
}
void copy_on_device(Stream, void* to, const void* from, std::size_t bytes) {
  const Opened here;
  std::memcpy(to, from, bytes);
}
void fill(Stream, void* to, int byte, std::size_t bytes) {
  const Opened here;
  std::memset(to, byte, bytes);
}

void begin_recording(Stream) {
  recording = std::make_unique<on_host::Recording>();
  on_host::record(recording.get());
}
Graph end_recording(Stream) {
  on_host::record(nullptr);
  if (on_host::refuses_recordings) return recording.reset(), nullptr;
  return reinterpret_cast<Graph>(recording.release());
}
void replay(Stream, Graph graph) {
  for (const auto& launch : *reinterpret_cast<on_host::Recording*>(graph)) launch();
}
void release_graph(Graph graph) { delete reinterpret_cast<on_host::Recording*>(graph); }
}  // namespace hearth::kernels::cuda
