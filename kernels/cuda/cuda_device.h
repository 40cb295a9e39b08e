// Enters: a device's number, sizes, host memory. Leaves: device memory, copies, streams and recorded graphs; errors as texts. The
// only file that asks the CUDA runtime for anything but launches.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda_kernels.h"

struct CUgraphExec_st;
struct CUevent_st;

namespace hearth::kernels::cuda {

/// Devices that can run these kernels; 0 without a driver, which is no error.
int device_count();

struct DeviceFacts {
  char name[128];
  std::uint64_t memory_bytes, free_bytes;
  int n_multiprocessors, major, minor;
  std::size_t block_shared_bytes;  // shared memory that a block may have at most
};
bool device_facts(int device, DeviceFacts& facts);

/// Chooses the device for what this thread does next.
bool use_device(int device);

/// The last error of what this thread asked for since the last call, in the runtime's words, or nullptr. Errors of kernels that run
/// come with the next wait.
const char* take_error();

/// nullptr where there is no memory; the error is then taken.
std::byte* allocate(std::size_t bytes);
void release(std::byte* memory);
std::byte* allocate_pinned(std::size_t bytes);  // host memory that copies without waiting
void release_pinned(std::byte* memory);

Stream make_stream();
void release_stream(Stream stream);
void wait(Stream stream);

void copy_to_device(Stream stream, void* to, const void* from, std::size_t bytes);
void copy_to_host(Stream stream, void* to, const void* from, std::size_t bytes);
void copy_on_device(Stream stream, void* to, const void* from, std::size_t bytes);
void fill(Stream stream, void* to, int byte, std::size_t bytes);

/// What is queued between the two is recorded instead of run. Buffers keep their addresses, launches their sizes: a decode step is
/// recorded for some `longest` context and number of rows, and again when either grows. A kernel may be loaded when it is first
/// launched, which a recording cannot do: run the pass once before.
using Graph = CUgraphExec_st*;
void begin_recording(Stream stream);
Graph end_recording(Stream stream);  // nullptr: see take_error()
void replay(Stream stream, Graph graph);
void release_graph(Graph graph);

/// Milliseconds that work on a stream took, between two marks.
using Mark = CUevent_st*;
Mark make_mark();
void release_mark(Mark mark);
void put_mark(Stream stream, Mark mark);
float milliseconds(Mark from, Mark to);  // waits for `to`

}  // namespace hearth::kernels::cuda
