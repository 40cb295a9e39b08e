// The CUDA runtime behind cuda_device.h. It keeps each thread's last error itself, so nothing is kept here.
#include <cuda_runtime.h>

#include <cstring>

#include "cuda_device.h"

namespace hearth::kernels::cuda {

int device_count() {
  int n = 0;
  const bool found = cudaGetDeviceCount(&n) == cudaSuccess;
  if (!found) cudaGetLastError();  // no driver or no device: said by the number
  return found ? n : 0;
}

bool device_facts(int device, DeviceFacts& facts) {
  cudaDeviceProp p;
  std::size_t free_bytes = 0, bytes = 0;
  if (cudaGetDeviceProperties(&p, device) != cudaSuccess || cudaSetDevice(device) != cudaSuccess ||
      cudaMemGetInfo(&free_bytes, &bytes) != cudaSuccess)
    return false;
  facts = {};
  std::strncpy(facts.name, p.name, sizeof facts.name - 1);
  facts.memory_bytes = bytes;
  facts.free_bytes = free_bytes;
  facts.n_multiprocessors = p.multiProcessorCount;
  facts.major = p.major;
  facts.minor = p.minor;
  facts.block_shared_bytes = p.sharedMemPerBlockOptin;
  return true;
}

bool use_device(int device) { return cudaSetDevice(device) == cudaSuccess; }

const char* take_error() {
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

std::byte* allocate(std::size_t bytes) {
  void* memory = nullptr;
  return cudaMalloc(&memory, bytes) == cudaSuccess ? static_cast<std::byte*>(memory) : nullptr;
}
void release(std::byte* memory) { cudaFree(memory); }

std::byte* allocate_pinned(std::size_t bytes) {
  void* memory = nullptr;
  return cudaMallocHost(&memory, bytes) == cudaSuccess ? static_cast<std::byte*>(memory) : nullptr;
}
void release_pinned(std::byte* memory) { cudaFreeHost(memory); }

Stream make_stream() {
  Stream stream = nullptr;
  return cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess ? stream : nullptr;
}
void release_stream(Stream stream) { cudaStreamDestroy(stream); }
void wait(Stream stream) { cudaStreamSynchronize(stream); }

void copy_to_device(Stream stream, void* to, const void* from, std::size_t bytes) {
  cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream);
}
void copy_to_host(Stream stream, void* to, const void* from, std::size_t bytes) {
  cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream);
}
void copy_on_device(Stream stream, void* to, const void* from, std::size_t bytes) {
  cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream);
}
void fill(Stream stream, void* to, int byte, std::size_t bytes) { cudaMemsetAsync(to, byte, bytes, stream); }

void begin_recording(Stream stream) { cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal); }

Graph end_recording(Stream stream) {
  cudaGraph_t recorded = nullptr;
  cudaGraphExec_t graph = nullptr;
  if (cudaStreamEndCapture(stream, &recorded) != cudaSuccess) return nullptr;
  if (cudaGraphInstantiate(&graph, recorded, 0) != cudaSuccess) graph = nullptr;
  cudaGraphDestroy(recorded);
  return graph;
}
void replay(Stream stream, Graph graph) { cudaGraphLaunch(graph, stream); }
void release_graph(Graph graph) { cudaGraphExecDestroy(graph); }

Mark make_mark() {
  Mark mark = nullptr;
  return cudaEventCreate(&mark) == cudaSuccess ? mark : nullptr;
}
void release_mark(Mark mark) { cudaEventDestroy(mark); }
void put_mark(Stream stream, Mark mark) { cudaEventRecord(mark, stream); }

float milliseconds(Mark from, Mark to) {
  float ms = 0;
  cudaEventSynchronize(to);
  cudaEventElapsedTime(&ms, from, to);
  return ms;
}

}  // namespace hearth::kernels::cuda
