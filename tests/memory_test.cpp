// Memory that a model would take is known before it is taken: no product wraps, nothing that cannot be there is begun.
#include "host.h"
#include "loaded_model.h"
#include "sequence.h"
#include "support/catch.hpp"
#include "support/random_config.h"
#include "support/test_data.h"

namespace memory_test {

using namespace hearth;
using kernels::KvType;

namespace {

std::shared_ptr<engine::LoadedModel> open_model(const std::string& path, const ModelOptions& options = {.threads = 1}) {
  auto model = engine::LoadedModel::open(path, options);
  if (!model) FAIL(model.error().message());
  return std::move(*model);
}

template <class... T> std::uint64_t taken(const AlignedBuffer<T>&... buffers) {
  return (AlignedBuffer<T>::taken(buffers.size()) + ...);
}

std::uint64_t bytes_held(const model::Workspace& s) {
  const model::DeviceBuffers& d = s.devices.front();
  const backend::Routes& r = d.routes;
  return taken(d.stream, d.h, d.hq, d.q, d.k, d.v, d.gate, d.up, d.logits, d.fetched) +
         taken(d.q_low, d.absorbed, d.mixed, d.head_hq) +
         taken(d.scores, d.visit_h, d.visit_hq, d.visit_gate, d.visit_up, d.visit_y) +
         taken(s.cos, s.sin, s.window_cos, s.window_sin) +
         taken(s.tokens, s.types, s.positions, s.rotations, s.wanted, s.draws, s.drawn_tokens, s.ends, s.places,
               s.tiles, s.memory) +
         r.experts.size() * 4 + r.weights.size() * 4 + r.visits.size() * 8 +
         r.groups.size() * sizeof(backend::Routes::Group);
}

}  // namespace

TEST_CASE("a cache whose bytes leave 64 bits is refused, not made small") {
  for (const std::int64_t window : {std::int64_t{0}, std::int64_t{1} << 31}) {
    model::Config c = test::config_of({});
    c.n_layer = 512, c.n_head = c.n_kv_head = 64, c.head_dim = 65536, c.n_ctx_train = std::int64_t{1} << 31;
    c.window = window;
    for (const KvType type : {KvType::f16, KvType::f32}) {  // 2^64 and 2^65 bytes
      CHECK(model::KvCache::bytes(c, type, c.n_ctx_train, 1) == UINT64_MAX);
      const auto cache = model::KvCache::make(c, type, c.n_ctx_train, 1);
      REQUIRE_FALSE(cache);
      CHECK(cache.error().status() == Status::out_of_memory);
    }
  }
}

TEST_CASE("a context takes memory as it is filled, however long a windowed model's may be") {
  test::RandomModel m;
  m.window = 64, m.n_ctx = std::int64_t{1} << 31;
  const test::TempFolder folder;
  const auto model = open_model(test::write_random_model(m, folder / "m.gguf"));
  const std::uint64_t peak = peak_resident_bytes();
  const auto sequence = engine::Sequence::make(model, {.chunk = 32});
  REQUIRE(sequence);
  CHECK((*sequence)->n_ctx() == m.n_ctx);
  CHECK(peak_resident_bytes() - peak < std::uint64_t{16} << 20);
}

TEST_CASE("a workspace takes the bytes that it says, in every family") {
  for (const model::ArchTraits& arch : model::arch_table()) {
    test::RandomModel m;
    m.arch = arch.name, m.window = arch.causal ? 20 : 0;
    if (arch.routing != model::Routing::none) m.n_expert = 7, m.n_expert_used = 3;
    const model::Config c = test::config_of(m);
    auto space = model::Workspace::make(c, 33, 2);
    REQUIRE(space);
    INFO(m.arch);
    CHECK(bytes_held(*space) == model::Workspace::bytes(c, 33, 2));
  }
}

TEST_CASE("a workspace that the memory cannot hold is refused before any of it is taken") {
  test::RandomModel m;  // a small file whose rows visit a thousand experts each
  m.n_layer = 1, m.dim = 2048, m.n_head = 4, m.head_dim = 16, m.expert_ffn_dim = 1, m.n_ctx = 4096;
  m.n_expert = m.n_expert_used = 1024, m.format = kernels::Format::f16;
  const test::TempFolder folder;
  const auto model = open_model(test::write_random_model(m, folder / "m.gguf"));
  if (model::Workspace::bytes(model->config(), 4096, 1) < available_memory()) {
    WARN("SKIPPED: this machine has the memory");
    return;
  }
  const std::uint64_t peak = peak_resident_bytes();
  const auto sequence = engine::Sequence::make(model, {.chunk = 4096});
  CHECK(peak_resident_bytes() - peak < std::uint64_t{64} << 20);
  REQUIRE_FALSE(sequence);
  CHECK(sequence.error().status() == Status::out_of_memory);
  CHECK(sequence.error().message().find("a pass of 4096 rows needs") != std::string::npos);
}

TEST_CASE(
    "weights are repacked by themselves when they, the cache and the workspace fit; what cannot be repacked stays") {
  const test::TempFolder folder;
  test::RandomModel m;
  const auto floats = open_model(test::write_random_model(m, folder / "f32.gguf"));
  CHECK(floats->info().weights == Weights::file);
  m.format = kernels::Format::q8_0;
  const std::string path = test::write_random_model(m, folder / "q8_0.gguf");
  const auto blocks = open_model(path);
  CHECK(blocks->info().weights == Weights::repacked);
  const model::Config& c = blocks->config();
  std::uint64_t weights = 0;  // all matrices, in whole groups of 16 rows
  for (const gguf::Tensor& t : blocks->file().tensors())
    if (t.n_dims == 2 && t.name != "token_embd.weight")
      weights += t.data.size() / t.dims[1] * ((t.dims[1] + 15) / 16 * 16);
  CHECK(blocks->bytes_when_repacked() ==
        weights + model::KvCache::bytes(c, KvType::f16, 256, 512) + model::Workspace::bytes(c, 256, 1));
}

}  // namespace memory_test
