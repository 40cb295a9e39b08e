// Enters: a GPU. Leaves: its copy bandwidth and its int8 and bf16 rates, and beside them what the verbs reach: products of every
// format for one and few tokens (bytes a second) and for many (operations a second), attention, rows. Everything is timed as a
// replayed graph.
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "cuda_device.h"
#include "cuda_peaks.h"
#include "support/random_weights.h"

namespace {

using namespace hearth;
using namespace hearth::kernels;

constexpr double kWorkingSet =
    1 << 29;  // bytes of weights that one measurement goes through: ten times the cache of a large GPU
constexpr int kRepeats = 5;

/// Device memory that is kept until the program ends.
template <class T> T* device(std::size_t n, int byte = 0) {
  std::byte* memory = cuda::allocate(n * sizeof(T) + 256);
  if (!memory) {
    std::printf("out of device memory: %s\n", cuda::take_error());
    std::exit(1);
  }
  cuda::fill(nullptr, memory, byte, n * sizeof(T));
  return reinterpret_cast<T*>(memory);
}

struct Timer {
  cuda::Stream stream = cuda::make_stream();
  cuda::Mark from = cuda::make_mark(), to = cuda::make_mark();

  /// Milliseconds of what `work` queues, the best of some replays.
  double best(const std::function<void(cuda::Stream)>& work) {
    work(stream);  // kernels are loaded when they are first launched, which a recording cannot do
    cuda::wait(stream);
    cuda::begin_recording(stream);
    work(stream);
    const cuda::Graph graph = cuda::end_recording(stream);
    if (!graph) return fail();
    double best = 1e30;
    for (int i = 0; i <= kRepeats; ++i) {
      cuda::put_mark(stream, from);
      cuda::replay(stream, graph);
      cuda::put_mark(stream, to);
      const double ms = cuda::milliseconds(from, to);
      if (i != 0 && ms < best) best = ms;
    }
    cuda::release_graph(graph);
    const char* error = cuda::take_error();
    if (error) std::printf("error: %s\n", error);
    return best;
  }
  static double fail() {
    const char* error = cuda::take_error();
    std::printf("error: %s\n", error ? error : "no graph");
    return 1e30;
  }
};

struct Shape {
  std::int64_t n_rows, k;
};

/// As many copies of a random matrix as fill the working set.
struct Matrices {
  std::vector<cuda::Matrix> all;
  double bytes;  // of one

  Matrices(const FormatInfo& info, const Shape& shape) {
    const std::size_t size = cuda::matrix_bytes(info.format, shape.n_rows, shape.k);
    bytes = static_cast<double>(size);
    const int n = static_cast<int>(kWorkingSet / bytes) + 1;
    test::Rng rng(1);
    const std::vector<std::byte> rows = test::random_rows(rng, info, 16, shape.k);  // any bytes do: scales are small
    std::byte* memory = device<std::byte>(size * static_cast<std::size_t>(n));
    for (std::size_t at = 0; at + rows.size() <= size; at += rows.size())
      cuda::copy_to_device(nullptr, memory + at, rows.data(), rows.size());
    for (int i = 0; i < n; ++i) {
      if (i != 0) cuda::copy_on_device(nullptr, memory + size * static_cast<std::size_t>(i), memory, size);
      all.push_back({info.format, shape.n_rows, shape.k, memory + size * static_cast<std::size_t>(i)});
    }
    cuda::wait(nullptr);
    memory_ = memory;
  }
  ~Matrices() { cuda::release(memory_); }

 private:
  std::byte* memory_;
};

struct Buffers {
  std::int64_t n;
  float* x;
  QBlock* q;
  float* y;
  Buffers(std::int64_t rows, std::int64_t width, std::int64_t out)
      : n(rows),
        x(device<float>(static_cast<std::size_t>(rows * width), 0x3c)),
        q(device<QBlock>(static_cast<std::size_t>(rows * q_stride(width)), 0x21)),
        y(device<float>(static_cast<std::size_t>(rows * out))) {}
};

void products(Timer& timer, double copy_bandwidth, double int8_rate) {
  const Shape shapes[] = {{4096, 4096}, {28672, 4096}, {4096, 14336}, {2048, 2048}};
  const Buffers b(2048, 14336, 28672);
  std::printf("\n%-8s %12s", "format", "rows x k");
  for (const int n : {1, 2, 4, 8, 16}) std::printf("   GB/s n=%-2d (%%)", n);
  for (const int n : {64, 512, 2048}) std::printf("  Top/s n=%-4d (%%)", n);
  std::printf("\n");
  for (const FormatInfo& info : kFormats)
    for (const Shape& shape : shapes) {
      if (shape.k % info.block_elements != 0) continue;
      const Matrices m(info, shape);
      const auto count = static_cast<double>(m.all.size());
      std::printf("%-8s %6lld x %5lld", info.name, static_cast<long long>(shape.n_rows),
                  static_cast<long long>(shape.k));
      const auto milliseconds = [&](std::int64_t n) {
        const cuda::Input input{{b.x, n, shape.k, shape.k}, b.q, q_stride(shape.k)};
        return timer.best([&](cuda::Stream stream) {
          for (const cuda::Matrix& w : m.all) {
            const cuda::Product product{w, {b.y, n, shape.n_rows, shape.n_rows}};
            cuda::matmul(stream, input, {&product, 1});
            if (n >= 512) break;  // once is long enough
          }
        });
      };
      for (const int n : {1, 2, 4, 8, 16}) {
        const double rate = m.bytes * count / milliseconds(n) / 1e6;
        std::printf("   %6.0f (%3.0f%%)", rate, 100 * rate / copy_bandwidth);
      }
      for (const int n : {64, 512, 2048}) {
        if (info.kind == Kind::float_row && n > 64) continue;
        const double operations = 2.0 * static_cast<double>(shape.n_rows * shape.k) * n * (n >= 512 ? 1 : count);
        const double rate = operations / milliseconds(n) / 1e9;
        std::printf("   %7.1f (%3.0f%%)", rate, 100 * rate / int8_rate);
      }
      std::printf("\n");
    }
}

/// Attention as an 8B model has it: 32 heads, 8 of keys and values, 128 elements.
void attention(Timer& timer) {
  std::printf("\nattention, 32 heads, 8 K/V heads of 128: microseconds, GB/s of the cache read\n");
  for (const KvType type : {KvType::f16, KvType::q8_0})
    for (const std::int64_t length : {512, 4096, 32768})
      for (const std::int64_t n : {1, 512}) {
        if (n > length) continue;
        const cuda::AttentionShape shape{32, 8, 128, 0.088f, 0, type, 0, 0, nullptr, nullptr, 0};
        const std::size_t page = 8 * 2 * kv_head_bytes(type, 128);
        const std::int64_t n_pages = (length + kPage - 1) / kPage;
        std::byte* bytes = device<std::byte>(page * static_cast<std::size_t>(n_pages), 0x11);
        std::vector<const std::byte*> pages;
        for (std::int64_t p = 0; p < n_pages; ++p) pages.push_back(bytes + page * static_cast<std::size_t>(p));
        auto* table = device<const std::byte*>(pages.size());
        cuda::copy_to_device(nullptr, table, pages.data(), pages.size() * sizeof pages[0]);
        std::vector<cuda::RowPlace> places;
        std::vector<cuda::AttendTile> tiles;
        for (std::int64_t i = 0; i < n; ++i)
          places.push_back({const_cast<std::byte*>(pages.back()), length - n + i, length - n + i + 1, table});
        for (std::int64_t i = 0; i < n; i += cuda::attend_rows(shape))
          tiles.push_back({i, std::min(cuda::attend_rows(shape), n - i)});
        auto* device_places = device<cuda::RowPlace>(places.size());
        auto* device_tiles = device<cuda::AttendTile>(tiles.size());
        cuda::copy_to_device(nullptr, device_places, places.data(), places.size() * sizeof places[0]);
        cuda::copy_to_device(nullptr, device_tiles, tiles.data(), tiles.size() * sizeof tiles[0]);
        const Buffers b(n, 4096, 4096);
        std::byte* scratch = device<std::byte>(cuda::attend_scratch_bytes(n, shape, length));
        cuda::wait(nullptr);
        const double ms = timer.best([&](cuda::Stream stream) {
          cuda::attend(stream, {b.x, n, 4096, 4096}, shape, device_tiles, static_cast<std::int64_t>(tiles.size()),
                       device_places, length, scratch, {b.y, n, 4096, 4096});
        });
        std::printf("%-5s length %6lld rows %4lld: %9.1f us %7.0f GB/s\n", kv_info(type).name,
                    static_cast<long long>(length), static_cast<long long>(n), ms * 1e3,
                    static_cast<double>(page) * static_cast<double>(n_pages) / ms / 1e6);
        for (void* p : {static_cast<void*>(bytes), static_cast<void*>(table), static_cast<void*>(device_places),
                        static_cast<void*>(device_tiles), static_cast<void*>(b.x), static_cast<void*>(b.q),
                        static_cast<void*>(b.y), static_cast<void*>(scratch)})
          cuda::release(static_cast<std::byte*>(p));
      }
}

/// Verbs between products, each a hundred times in one graph: what a launch costs in a decode step.
void rows(Timer& timer) {
  const Buffers b(1, 14336, 14336);
  auto* weight = device<float>(14336, 0x3c);
  const cuda::Rows x{b.x, 1, 4096, 4096}, y{b.y, 1, 4096, 4096}, wide{b.x, 1, 14336, 14336};
  const cuda::Input out{{b.y, 1, 4096, 4096}, b.q, q_stride(4096)},
      wide_out{{b.y, 1, 14336, 14336}, b.q, q_stride(14336)};
  const auto row = [&](const char* name, const std::function<void(cuda::Stream)>& work) {
    const double ms = timer.best([&](cuda::Stream stream) {
      for (int i = 0; i < 100; ++i) work(stream);
    });
    std::printf("%-28s %6.2f us\n", name, ms * 10);
  };
  std::printf("\none row, in a graph\n");
  row("residual, norm, 4096", [&](cuda::Stream s) { cuda::norm(s, {}, x, {y}, {weight}, {}, false, out); });
  row("gate, 14336", [&](cuda::Stream s) { cuda::gate(s, {}, Activation::silu, wide, wide, wide_out); });
  row("quantize, 4096", [&](cuda::Stream s) { cuda::quantize(s, {}, out); });
  row("scale, 4096", [&](cuda::Stream s) { cuda::scale(s, x, 1.0f); });
}

}  // namespace

int main() {
  if (cuda::device_count() == 0) {
    std::printf("SKIPPED: no CUDA device\n");
    return 0;
  }
  cuda::DeviceFacts facts;
  if (!cuda::device_facts(0, facts)) {
    std::printf("error: %s\n", cuda::take_error());
    return 1;
  }
  std::printf("%s, %d multiprocessors, sm_%d%d, %.1f GiB\n", facts.name, facts.n_multiprocessors, facts.major,
              facts.minor, static_cast<double>(facts.memory_bytes) / (1 << 30));
  Timer timer;
  constexpr std::size_t kCopy = std::size_t{1} << 31;
  std::byte *from = device<std::byte>(kCopy), *to = device<std::byte>(kCopy);
  const double copy = 2.0 * kCopy / timer.best([&](cuda::Stream s) { cuda::copy_on_device(s, to, from, kCopy); }) / 1e6;
  cuda::release(from);
  cuda::release(to);
  const int n = facts.n_multiprocessors;
  const double int8 =
                   bench::int8_operations(n) / timer.best([n](cuda::Stream s) { bench::queue_int8_peak(s, n); }) / 1e9,
               bf16 =
                   bench::bf16_operations(n) / timer.best([n](cuda::Stream s) { bench::queue_bf16_peak(s, n); }) / 1e9;
  std::printf("copy %.0f GB/s, int8 by mma.sync %.0f Top/s, bf16 %.0f Top/s\n", copy, int8, bf16);
  products(timer, copy, int8);
  attention(timer);
  rows(timer);
  return 0;
}
