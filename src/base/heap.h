// Enters: sizes. Leaves: memory, the host's or a device's, and what is brought there and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <hearth/result.hpp>
#include <string>

namespace hearth {

/// Bytes of a device's memory, and of the host's beside it; the host's own count as the device's where it is the device.
struct HeapBytes {
  std::uint64_t device = 0, host = 0;
};

/// Where buffers lie. Any thread may call. What a call writes is there when it returns; where that failed, `check` tells.
class Heap {
 public:
  virtual ~Heap() = default;

  /// Whose memory it is, for messages.
  virtual std::string name() const = 0;

  /// Bytes that can still be taken.
  virtual std::uint64_t left() const = 0;

  /// Bytes that a buffer of so many takes.
  virtual std::uint64_t taken(std::uint64_t bytes) const = 0;

  /// Not written yet; nullptr where there is no such memory.
  virtual std::byte* allocate(std::uint64_t bytes) const = 0;
  virtual void release(std::byte* memory) const = 0;

  /// What is in a part of a buffer need not be kept: the system may take that memory until it is written again.
  virtual void forget(std::byte*, std::size_t) const {}

  virtual void zero(std::byte* to, std::size_t bytes) const = 0;
  virtual void copy(std::byte* to, const std::byte* from, std::size_t bytes) const = 0;   // both are here
  virtual void bring(std::byte* to, const std::byte* from, std::size_t bytes) const = 0;  // from the host
  virtual void fetch(std::byte* to, const std::byte* from, std::size_t bytes) const = 0;  // to the host

  /// A number that was never given before; 0 where nobody compares them.
  virtual std::uint64_t fresh_number() const { return 0; }

  /// What went wrong since the last call.
  virtual Result<void> check() const = 0;

  /// The host's memory that this one is best filled from; itself, if it is the host's.
  virtual const Heap& host() const { return *this; }
  bool on_host() const { return &host() == this; }
};

/// The host's own, on boundaries of 64 bytes, or of large pages where many are needed.
const Heap& host_heap();

/// The system may take the host's memory between two addresses: what was written there is lost, what a file has there is read
/// again. Only whole pages: the first and last may hold a neighbour's bytes.
void let_pages_go(std::uintptr_t begin, std::uintptr_t end);

constexpr std::size_t kCacheLine = 64;
/// The bytes that what begins on a cache line has to itself.
constexpr std::uint64_t whole_lines(std::uint64_t bytes) { return (bytes + kCacheLine - 1) / kCacheLine * kCacheLine; }

/// Where a buffer of so many bytes begins in the host's heap, and the bytes that it takes.
constexpr std::size_t host_alignment(std::uint64_t bytes) {
  constexpr std::size_t kLargePage = 2 << 20, kManyPages = 64 << 20;
  return bytes >= kManyPages ? kLargePage : kCacheLine;
}
constexpr std::uint64_t host_taken(std::uint64_t bytes) {
  const std::uint64_t unit = host_alignment(bytes);
  return bytes > UINT64_MAX - unit ? UINT64_MAX : (bytes + unit - 1) / unit * unit;
}

}  // namespace hearth
