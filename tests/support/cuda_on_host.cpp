// The fibers under cuda_on_host.h. makecontext gives each its stack; from then on they are switched by _setjmp and _longjmp, which
// unlike swapcontext do not call the kernel: that was four fifths of the tests' time. Sanitizers know swapcontext alone.
#undef _FORTIFY_SOURCE  // its longjmp refuses to leave a stack for another
#include "cuda_on_host.h"

#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "sanitized.h"

namespace hearth::on_host {
namespace {

constexpr unsigned kWarp = 32;
constexpr std::size_t kMostThreads = 1024, kStack = 128 * 1024;

struct Barrier {
  unsigned arrived = 0, members = 0;
  std::uint64_t generation = 0;
};

struct Warp {
  Barrier barrier;
  std::byte deposits[2][kWarp * kDeposit];
};

/// Where a fiber, or who called it, goes on.
struct Place {
  ucontext_t context;
  jmp_buf here;
  bool begun = false;  // from then on `here` is the place
};

void switch_to(Place& from, Place& to) {
#ifdef HEARTH_TEST_SANITIZED
  swapcontext(&from.context, &to.context);
#else
  if (_setjmp(from.here) != 0) return;
  if (to.begun) _longjmp(to.here, 1);
  to.begun = true;
  setcontext(&to.context);
#endif
}

struct Fiber {
  Place place;
  std::vector<std::byte> stack;
  Thread thread;
  bool done = false;  // with this block: the next one finds it where it waits for that
  int deposit = 0;    // which of the warp's two
};

struct Block {
  std::vector<Fiber> fibers;
  std::vector<Warp> warps;
  Barrier barrier;
  std::vector<std::byte> shared;
  Place caller;
  const std::function<void()>* kernel = nullptr;
  std::size_t current = 0, n = 0, idle = 0;
};

Block block;

[[noreturn]] void stuck() {
  std::fprintf(stderr, "a CUDA kernel on the host: threads wait for others that have ended or wait elsewhere\n");
  std::exit(1);
}

// Fibers follow each other by thread, or backward where the environment says so: what no barrier orders must not matter.
bool backward() {
  static const bool asked = std::getenv("HEARTH_FIBERS_BACKWARD") != nullptr;
  return asked;
}

// To the next fiber that has not ended; to the caller once all have.
void switch_away() {
  const std::size_t before = block.current;
  for (std::size_t step = 1; step <= block.n; ++step) {
    const std::size_t next = (before + (backward() ? block.n - step : step)) % block.n;
    if (block.fibers[next].done) continue;
    block.current = next;
    if (next != before) switch_to(block.fibers[before].place, block.fibers[next].place);
    return;
  }
  switch_to(block.fibers[before].place, block.caller);
}

void release(Barrier& barrier) {
  barrier.arrived = 0;
  ++barrier.generation;
  block.idle = 0;
}

void wait(Barrier& barrier) {
  const std::uint64_t generation = barrier.generation;
  if (++barrier.arrived == barrier.members) return release(barrier);
  while (barrier.generation == generation) {
    if (++block.idle > 4 * block.n) stuck();
    switch_away();
  }
}

void leave(Barrier& barrier) {
  --barrier.members;
  if (barrier.members != 0 && barrier.arrived == barrier.members) release(barrier);
}

// One thread of one block after another.
void live() {
  for (;;) {
    (*block.kernel)();
    block.fibers[block.current].done = true;
    block.idle = 0;
    leave(block.barrier);
    leave(block.warps[block.current / kWarp].barrier);
    switch_away();
  }
}

void begin(Fiber& fiber) {
  fiber.stack.resize(kStack);
  getcontext(&fiber.place.context);
  fiber.place.context.uc_stack.ss_sp = fiber.stack.data();
  fiber.place.context.uc_stack.ss_size = kStack;
  fiber.place.context.uc_link = nullptr;
  makecontext(&fiber.place.context, live, 0);
}

void run_block(dim3 index, dim3 grid) {
  block.barrier = {0, static_cast<unsigned>(block.n), 0};
  for (std::size_t w = 0; w < block.warps.size(); ++w)
    block.warps[w].barrier = {0, static_cast<unsigned>(std::min<std::size_t>(kWarp, block.n - w * kWarp)), 0};
  // Shared memory starts as anything: as NaN where a kernel reads it before writing.
  std::fill(block.shared.begin(), block.shared.end(), std::byte{0xFF});
  for (std::size_t i = 0; i < block.n; ++i) {
    Fiber& fiber = block.fibers[i];
    if (fiber.stack.empty()) begin(fiber);
    fiber.done = false;
    fiber.deposit = 0;
    fiber.thread = {{static_cast<unsigned>(i), 0, 0}, index, grid, block.shared.data()};
  }
  block.idle = 0;
  block.current = backward() ? block.n - 1 : 0;
  block.caller.begun = true;
  switch_to(block.caller, block.fibers[block.current].place);
}

}  // namespace

const Thread& thread() { return block.fibers[block.current].thread; }

void wait_for_block() { wait(block.barrier); }
void wait_for_warp() { wait(block.warps[block.current / kWarp].barrier); }

const std::byte* exchange(const void* mine, std::size_t size) {
  Fiber& fiber = block.fibers[block.current];
  Warp& warp = block.warps[block.current / kWarp];
  std::byte* deposits = warp.deposits[fiber.deposit ^= 1];
  std::memcpy(deposits + block.current % kWarp * kDeposit, mine, size);
  wait(warp.barrier);
  return deposits;
}

void run(dim3 grid, unsigned n_threads, std::size_t shared_bytes, const std::function<void()>& kernel) {
  block.kernel = &kernel;
  block.n = n_threads;
  block.fibers.reserve(kMostThreads);  // a context must stay where it is
  if (block.fibers.size() < n_threads) block.fibers.resize(n_threads);
  block.warps.resize((n_threads + kWarp - 1) / kWarp);
  block.shared.resize(shared_bytes + 16);
  if (kernel_works) kernel_works(true);
  for (unsigned z = 0; z < grid.z; ++z)
    for (unsigned y = 0; y < grid.y; ++y)
      for (unsigned x = 0; x < grid.x; ++x) run_block({x, y, z}, grid);
  if (kernel_works) kernel_works(false);
}

namespace {
Recording* recording = nullptr;
}

void record(Recording* to) { recording = to; }

void queue(dim3 grid, unsigned n_threads, std::size_t shared_bytes, const std::function<void()>& kernel) {
  if (!recording) return run(grid, n_threads, shared_bytes, kernel);
  recording->push_back([=] { run(grid, n_threads, shared_bytes, kernel); });
}

}  // namespace hearth::on_host
