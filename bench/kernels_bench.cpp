// Leaves: the speed of every kernel: format x instruction set x layout x real shape x tokens, and attention, and operations on rows.
// Rows come from the kernel tables. `--tiny` runs the same rows on small shapes, once, to see that they run.
#include <cstdio>
#include <cstring>

#include "canonical_math.h"
#include "dispatch.h"
#include "kernel_rig.h"
#include "support/random_weights.h"

namespace {

using namespace hearth;
using namespace hearth::bench;
using backend::Rows;

struct MatmulShape {
  std::int64_t k, n_rows;  // as a GGUF file lists a matrix's dimensions
};

/// What is measured. Shapes with one k stand together: they share a layout of the rig's block.
struct Plan {
  std::vector<MatmulShape> shapes;
  std::vector<std::int64_t> tokens;
  struct Attention {
    const char* model;
    std::int64_t n_head, n_kv_head, head_dim;
  };
  std::vector<Attention> attentions;
  std::int64_t depth, n_prompt;
  std::vector<std::int64_t> widths;
};

const Plan kReal = {{{2048, 256}, {2048, 2048}, {2048, 5632}, {5632, 2048}, {4096, 4096}, {4096, 14336}},
                    {1, 2, 4, 8, 16, 256},
                    {{"1.1b", 32, 4, 64}, {"8b", 32, 8, 128}},
                    4096,
                    256,
                    {2048, 5632, 4096, 14336}};
const Plan kTiny = {{{256, 48}}, {1, 3, 16}, {{"tiny", 4, 2, 32}}, 100, 20, {96}};

/// Everything that matmul reads and writes for `n` tokens.
struct Activations {
  std::vector<float> x, y;
  std::vector<kernels::QBlock> q;
  backend::Input input;
  Rows output;

  Activations(const KernelTable& table, std::int64_t n, std::int64_t k, std::int64_t n_rows)
      : y(static_cast<std::size_t>(n * n_rows)) {
    test::Rng rng(2);
    const std::int64_t blocks = kernels::q_stride(k);  // as in a pass: it decides which sets of a cache rows share
    x = test::random_floats(rng, static_cast<std::size_t>(n * k));
    q.resize(static_cast<std::size_t>(n * blocks));
    input = {{x.data(), n, k, k}, q.data(), blocks};
    for (std::int64_t i = 0; i < n; ++i) table.quantize_row(input.q_row(i), input.x.row(i), k);
    output = {y.data(), n, n_rows, n_rows};
  }
};

std::unique_ptr<backend::CpuBackend> make_device(benchmark::State& state, KernelRig& rig, const KernelTable& table,
                                                 std::int64_t widest) {
  auto device = backend::CpuBackend::make(table, rig.team().size(), widest);
  if (device) return std::move(*device);
  state.SkipWithError(device.error().message().c_str());
  return nullptr;
}

/// Few tokens read every copy once an iteration, so that weights come from memory; a prompt takes one copy after the other.
void run_matmul(benchmark::State& state, KernelRig& rig, const KernelTable& table, const FormatInfo& info,
                Layout layout, MatmulShape shape, std::int64_t n_tokens) {
  constexpr std::int64_t kPrompt = 64;
  const auto device = make_device(state, rig, table, shape.k);
  if (!device) return;
  const std::vector<Matrix> copies = rig.matrices(info, layout, shape.n_rows, shape.k);
  Activations a(table, n_tokens, shape.k, shape.n_rows);
  const std::size_t at_once = n_tokens < kPrompt ? copies.size() : 1;
  const IsaPeak* peak = rig.peaks().of(table.name);
  const double weights = static_cast<double>(shape.n_rows * shape.k) * static_cast<double>(at_once);
  const Work work{weights / info.block_elements * info.block_bytes, 2 * weights * static_cast<double>(n_tokens),
                  !peak                                   ? 0
                  : info.kind == kernels::Kind::float_row ? peak->fma
                                                          : peak->dot};
  std::size_t next = 0;
  measure(state, rig.peaks(), work, [&] {
    rig.team().run([&](Worker& w) {
      for (std::size_t i = 0; i < at_once; ++i) {
        const backend::Product product{&copies[(next + i) % copies.size()], a.output};
        device->matmul(w, a.input, {&product, 1});
      }
    });
    ++next;
  });
}

/// `n` queries of one sequence, the last of them at position depth - 1; through as many layers as the rig's block holds.
void run_attention(benchmark::State& state, KernelRig& rig, const KernelTable& table, const Plan::Attention& model,
                   kernels::KvType type, std::int64_t n, std::int64_t depth) {
  const auto device = make_device(state, rig, table, model.head_dim);
  if (!device) return;
  const backend::AttentionShape shape{.n_head = model.n_head,
                                      .n_kv_head = model.n_kv_head,
                                      .head_dim = model.head_dim,
                                      .scale = 0.125f,
                                      .kv_type = type};
  const std::size_t page_bytes = shape.k_offset(model.n_kv_head);
  const std::vector<std::byte*> pages = rig.pieces(page_bytes);
  const std::size_t layer_pages = static_cast<std::size_t>((depth + kernels::kPage - 1) / kernels::kPage);
  const std::size_t n_layers = n == 1 ? pages.size() / layer_pages : 1;
  const std::int64_t width = model.n_head * model.head_dim, most = device->tile_rows(shape);
  std::vector<backend::RowPlace> places;
  std::vector<std::vector<backend::AttendTile>> tiles(n_layers);
  double visible = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    places.push_back({nullptr, depth - n + i, depth - n + i + 1});  // nothing is stored
    visible += static_cast<double>(depth - n + i + 1);
  }
  for (std::size_t layer = 0; layer < n_layers; ++layer)
    for (std::int64_t i = 0; i < n; i += most)
      tiles[layer].push_back({i, std::min(most, n - i), pages.data() + layer * layer_pages});
  test::Rng rng(3);
  std::vector<float> query = test::random_floats(rng, static_cast<std::size_t>(n * width)), out(query.size());
  const Rows q{query.data(), n, width, width}, o{out.data(), n, width, width};
  const IsaPeak* peak = rig.peaks().of(table.name);
  const auto layers = static_cast<double>(n_layers);
  const Work work{layers * static_cast<double>(page_bytes) * static_cast<double>(depth) / kernels::kPage,
                  layers * 4 * visible * static_cast<double>(width), peak ? peak->fma : 0};
  measure(state, rig.peaks(), work, [&] {
    rig.team().run([&](Worker& w) {
      for (const auto& layer : tiles) device->attend(w, q, shape, layer, places, o);
    });
  });
  if (std::all_of(out.begin(), out.end(), [](float x) { return x == 0.0f; }))
    state.SkipWithError("no position was seen");
}

/// One row in the nearest cache, on one thread.
template <class Run> void run_row(benchmark::State& state, std::int64_t n, Run run) {
  test::Rng rng(4);
  const std::vector<float> a = test::random_floats(rng, static_cast<std::size_t>(n), 4.0f),
                           b = test::random_floats(rng, a.size());
  std::vector<float> y(a.size());
  const auto start = Clock::now();
  for (auto _ : state) {
    run(y.data(), a.data(), b.data(), n);
    benchmark::ClobberMemory();
  }
  state.counters["elements/s"] = static_cast<double>(n * state.iterations()) / seconds_since(start);
}

template <class Run> void add(const std::string& name, Run run) {
  benchmark::RegisterBenchmark(name.c_str(), run)->UseRealTime()->Unit(benchmark::kMicrosecond);
}

void add_matmuls(KernelRig& rig, const Plan& plan) {
  for (const FormatInfo& info : kernels::kFormats)
    for (const Layout layout : {Layout::packed, Layout::file}) {
      const bool packed = layout == Layout::packed;
      if (packed && info.kind == kernels::Kind::float_row) continue;  // these are never repacked
      for (const MatmulShape shape : plan.shapes)
        for (const KernelTable* table : kernels::runnable())
          for (const std::int64_t n : plan.tokens)
            add(std::string("matmul/") + info.name + "/" + table->name + (packed ? "/packed/" : "/file/") +
                    std::to_string(shape.k) + "x" + std::to_string(shape.n_rows) + "/tokens:" + std::to_string(n),
                [&rig, &info, layout, shape, table, n](benchmark::State& state) {
                  run_matmul(state, rig, *table, info, layout, shape, n);
                });
    }
}

void add_attention(KernelRig& rig, const Plan& plan) {
  for (const kernels::KvInfo& kv : kernels::kKvTypes)
    for (const Plan::Attention& model : plan.attentions)
      for (const KernelTable* table : kernels::runnable()) {
        const std::string name = std::string("attend/") + kv.name + "/" + table->name + "/" + model.model;
        const auto row = [&rig, model, kv, table](std::int64_t n, std::int64_t depth) {
          return [&rig, model, kv, table, n, depth](benchmark::State& state) {
            run_attention(state, rig, *table, model, kv.type, n, depth);
          };
        };
        add(name + "/decode/depth:" + std::to_string(plan.depth), row(1, plan.depth));
        add(name + "/prefill/tokens:" + std::to_string(plan.n_prompt), row(plan.n_prompt, plan.n_prompt));
      }
}

void add_rows(const Plan& plan) {
  for (const KernelTable* table : kernels::runnable())
    for (const std::int64_t n : plan.widths) {
      const std::string name = std::string("/") + table->name + "/" + std::to_string(n);
      add("quantize_row" + name, [table, n](benchmark::State& state) {
        std::vector<kernels::QBlock> q(static_cast<std::size_t>((n + kernels::kBlock - 1) / kernels::kBlock));
        run_row(state, n,
                [&](float*, const float* a, const float*, std::int64_t) { table->quantize_row(q.data(), a, n); });
      });
      add("rms_norm" + name, [table, n](benchmark::State& state) {
        run_row(state, n,
                [&](float* y, const float* a, const float* b, std::int64_t) { table->rms_norm(y, a, b, n, 1e-5f); });
      });
      add("silu_mul" + name, [table, n](benchmark::State& state) {
        run_row(state, n, [&](float* y, const float* a, const float* b, std::int64_t) {
          table->gate(y, a, b, n, kernels::Activation::silu);
        });
      });
    }
}

bool take_word(std::vector<char*>& words, const char* word) {
  const auto found = std::find_if(words.begin(), words.end(), [&](const char* w) { return std::strcmp(w, word) == 0; });
  if (found == words.end()) return false;
  words.erase(found);
  return true;
}

std::string with_unit(double value, const char* unit) {
  char text[64];
  std::snprintf(text, sizeof text, "%.1f %s", value, unit);
  return text;
}

void show(const Peaks& peaks, int threads) {
  benchmark::AddCustomContext("threads", std::to_string(threads));
  if (peaks.read_bytes > 0) benchmark::AddCustomContext("peak of reading", with_unit(peaks.read_bytes / 1e9, "GB/s"));
  for (const IsaPeak& p : peaks.isas)
    benchmark::AddCustomContext("peak of " + p.isa,
                                with_unit(p.dot / 1e9, "GOPS int8, ") + with_unit(p.fma / 1e9, "GFLOPS f32"));
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<char*> words(argv, argv + argc);
  const bool tiny = take_word(words, "--tiny");
  // What the call does not say: the fastest instruction set, the columns as a table, just long enough to be steady.
  std::string defaults[] = {"--benchmark_filter=/" + std::string(kernels::best().name) + "/",
                            "--benchmark_counters_tabular=true",
                            std::string("--benchmark_min_time=") + (tiny ? "0" : "0.03")};
  for (std::string& word : defaults) words.insert(words.begin() + 1, word.data());
  int n_words = static_cast<int>(words.size());
  words.push_back(nullptr);
  benchmark::Initialize(&n_words, words.data());
  if (benchmark::ReportUnrecognizedArguments(n_words, words.data())) return 2;

  const auto rig = KernelRig::make(tiny ? Effort::least : Effort::full);
  if (!rig) return std::fprintf(stderr, "error: %s\n", rig.error().message().c_str()), 1;
  const Plan& plan = tiny ? kTiny : kReal;
  show((*rig)->peaks(), (*rig)->team().size());
  add_matmuls(**rig, plan);
  add_attention(**rig, plan);
  add_rows(plan);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
