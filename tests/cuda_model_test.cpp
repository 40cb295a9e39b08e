// Whole models on a CUDA device have the CPU's bits: prefill in pieces, decoding, texts together, forks, texts cut short, saved
// sessions. Where there is no device the host plays one: the same backend and kernels, every thread a fiber.
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "arch_traits.h"
#include "cuda.h"
#include "devices.h"
#include "embedding.h"
#include "kv_cache.h"
#include "loaded_model.h"
#include "plan.h"
#include "support/catch.hpp"
#include "support/random_config.h"
#include "support/test_data.h"

using namespace hearth;
using kernels::Format;
using kernels::KvType;

namespace {

constexpr std::int64_t kContext = 256, kPass = 24;

struct Case {
  test::RandomModel model;
  KvType kv = KvType::f16;
};

/// Who has which layers.
struct Where {
  const char* device;
  const char* layers = "all";
  bool cpu_moe = false;
  ModelOptions options() const { return {.threads = 1, .device = device, .gpu_layers = layers, .cpu_moe = cpu_moe}; }
};

std::shared_ptr<engine::LoadedModel> open_on(const std::string& path, const Where& where) {
  auto model = engine::LoadedModel::open(path, where.options());
  if (!model) FAIL(model.error().message());
  return std::move(*model);
}
std::shared_ptr<engine::LoadedModel> open_on(const std::string& path, const char* device) {
  return open_on(path, Where{device});
}

/// False, and said aloud, where there is no such device to prove anything on.
bool has_device(int number = 0) {
  const auto device = backend::open_cuda(number);
  if (!device) WARN("SKIPPED: " << device.error().message());
  return static_cast<bool>(device);
}

std::int32_t token(std::int64_t position, std::int64_t text) {
  return static_cast<std::int32_t>(3 + (position * 31 + text * 57) % 280);
}

/// Logits of a story: two texts read in pieces and together, decoded together, one forked, one cut short and gone on with.
class Story {
 public:
  Story(const engine::LoadedModel& model, KvType kv) : model_(model), kv_(kv) {
    auto made = model::Workspace::make(model.config(), kPass, kPass, model.placement());
    if (!made) FAIL(made.error().message());
    space_ = std::move(*made);
  }

  std::vector<float> tell() {
    std::vector<model::KvCache> caches;
    for (int i = 0; i < 2; ++i) caches.push_back(make_cache());
    pass({row(caches[0], 0, 7, 0), row(caches[1], 0, 5, 1)});
    pass({row(caches[0], 7, 30, 0)});
    pass({row(caches[0], 30, 52, 0)});
    for (std::int64_t i = 0; i < 5; ++i) pass({row(caches[1], 5 + i, 6 + i, 1), row(caches[0], 52 + i, 53 + i, 0)});
    pass({row(caches[0], 57, 70, 0)});  // a second page
    model::KvCache fork = caches[0];
    pass({row(fork, 70, 72, 5), row(caches[0], 70, 71, 0)});
    CHECK(caches[0].truncate(60) == 60);
    pass({row(caches[0], 60, 66, 3), row(fork, 72, 73, 5)});
    return std::move(logits_);
  }

  /// The same in short: fewer rows, and passes enough of one shape that the last one is replayed.
  std::vector<float> tell_briefly() {
    std::vector<model::KvCache> caches;
    for (int i = 0; i < 2; ++i) caches.push_back(make_cache());
    pass({row(caches[0], 0, 5, 0), row(caches[1], 0, 1, 1)});
    model::KvCache fork = caches[0];
    for (std::int64_t i = 0; i < 3; ++i) pass({row(caches[0], 5 + i, 6 + i, 0)});
    pass({row(fork, 5, 6, 5), row(caches[1], 1, 2, 1)});
    return std::move(logits_);
  }

 private:
  struct Rows {
    model::KvCache* cache;
    std::int64_t from, to, text;
  };
  static Rows row(model::KvCache& cache, std::int64_t from, std::int64_t to, std::int64_t text) {
    return {&cache, from, to, text};
  }

  model::KvCache make_cache() {
    auto made = model::KvCache::make(model_.config(), kv_, kContext, kPass, model_.pool());
    if (!made) FAIL(made.error().message());
    return std::move(*made);
  }

  /// The last two rows of each text want logits.
  void pass(const std::vector<Rows>& texts) {
    std::vector<model::Row> rows;
    std::size_t n_wanted = 0;
    for (const Rows& t : texts)
      for (std::int64_t p = t.from; p < t.to; ++p) {
        rows.push_back({t.cache, p, token(p, t.text), p + 2 >= t.to});
        n_wanted += rows.back().wants_logits;
      }
    auto done = model_.forward(rows, space_);
    if (!done) FAIL(done.error().message());
    logits_.insert(logits_.end(), space_.ended_with,
                   space_.ended_with + n_wanted * static_cast<std::size_t>(model_.config().n_vocab));
  }

  const engine::LoadedModel& model_;
  KvType kv_;
  model::Workspace space_;
  std::vector<float> logits_;
};

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && !a.empty() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

void check_same(const Case& c) {
  INFO(c.model.arch << " " << kernels::format_info(c.model.format).name);
  const test::TempFolder folder;
  const std::string path = test::write_random_model(c.model, folder / "m.gguf");
  const auto cpu = open_on(path, "cpu"), device = open_on(path, "cuda");
  const auto expected = Story(*cpu, c.kv).tell();
  CHECK(same_bits(Story(*device, c.kv).tell(), expected));
}

test::RandomModel small(std::string_view arch, Format format) {
  test::RandomModel m;
  m.arch = arch, m.format = format, m.n_ctx = kContext;
  if (model::find_arch(m.arch)->routing != model::Routing::none && arch != "llama") m.n_expert = 5;
  return m;
}

}  // namespace

TEST_CASE("a dense model has the CPU's bits, whatever the format of its weights") {
  if (!has_device()) return;
  for (const Format format : {Format::f32, Format::bf16, Format::q8_0, Format::q4_k, Format::q6_k}) {
    Case c{small("llama", format)};
    const bool wide = kernels::format_info(format).block_elements == 256;
    if (wide) c.model.dim = 256, c.model.ffn_dim = 256, c.model.n_head = 4;
    c.model.tied = format == Format::q6_k;
    check_same(c);
  }
}

TEST_CASE("every family has the CPU's bits") {
  if (!has_device()) return;
  for (const model::ArchTraits& arch : model::arch_table()) {
    if (!arch.causal) continue;
    Case c{small(arch.name, Format::q8_0)};
    c.model.window = 20;
    check_same(c);
  }
}

TEST_CASE("keys and values of every type, soft caps, and sequences longer than a window") {
  if (!has_device()) return;
  for (const KvType kv : {KvType::f32, KvType::q8_0}) {
    Case c{small("gemma2", Format::q4_0), kv};
    c.model.window = 40, c.model.head_dim = 32, c.model.soft_caps = true;
    check_same(c);
  }
}

TEST_CASE("nothing of a model on a device is read from its file any more") {
  if (!has_device()) return;
  const test::TempFolder folder;
  const Case c{small("gpt-oss", Format::q8_0)};
  const std::string path = test::write_random_model(c.model, folder / "m.gguf");
  const auto expected = Story(*open_on(path, "cpu"), c.kv).tell();
  const auto device = open_on(path, "cuda");
  const std::vector<char> nothing(std::filesystem::file_size(path), '\xff');
  std::fstream(path, std::ios::binary | std::ios::in | std::ios::out)
      .write(nothing.data(), static_cast<std::streamsize>(nothing.size()));
  CHECK(same_bits(Story(*device, c.kv).tell(), expected));
}

TEST_CASE("a text goes on from the CPU to the device and back, its file the same bytes") {
  if (!has_device()) return;
  const test::TempFolder folder;
  test::RandomModel m = small("gemma3", Format::q8_0);
  m.window = 30;
  const std::string path = test::write_random_model(m, folder / "m.gguf");
  const std::vector<std::int32_t> prompt(90, 11);
  const auto model_on = [&](const char* device) {
    auto model = Model::open(path, {.threads = 1, .device = device});
    if (!model) FAIL(model.error().message());
    return std::move(*model);
  };
  const Model cpu = model_on("cpu"), device = model_on("cuda");
  const auto begin = [&](const Model& model, const std::string& file) {
    auto session = model.session({.n_ctx = 200, .chunk = 24});
    if (!session) FAIL(session.error().message());
    const auto reply = session->generate_from(prompt, {.max_tokens = 5});
    if (!reply) FAIL(reply.error().message());
    REQUIRE(session->save(file));
  };
  begin(cpu, folder / "cpu.session");
  begin(device, folder / "device.session");
  CHECK(test::read_file(folder / "cpu.session") == test::read_file(folder / "device.session"));
  const auto go_on = [&](const Model& model, const std::string& file) {
    auto session = model.restore(file);
    if (!session) FAIL(session.error().message());
    const auto reply = session->generate_from(std::vector<std::int32_t>{9}, {.max_tokens = 12});
    if (!reply) FAIL(reply.error().message());
    return reply->tokens;
  };
  CHECK(go_on(device, folder / "cpu.session") == go_on(cpu, folder / "device.session"));
}

TEST_CASE("a plan's bytes on a device are those that are then taken") {
  if (!has_device()) return;
  const test::TempFolder folder;
  for (const char* arch : {"llama", "qwen3moe", "gemma3", "deepseek2"}) {
    test::RandomModel m = small(arch, Format::q8_0);
    m.window = 20;
    const std::string path = test::write_random_model(m, folder / "m.gguf");
    const ModelOptions how{.threads = 1, .device = "cuda:0"};
    const auto planned = plan(path, how, {.chunk = 33}, 1, false);
    if (!planned) FAIL(planned.error().message());
    CHECK(planned->fits);
    const auto device = backend::open_cuda(0);
    REQUIRE(device);
    CHECK(planned->device == (*device)->name());
    const std::uint64_t before = (*device)->heap().left();
    auto model = Model::open(path, how);
    REQUIRE(model);
    auto session = model->session({.chunk = 33, .reuse = false});
    REQUIRE(session);
    REQUIRE(session->n_ctx() == planned->n_ctx);
    REQUIRE(session->generate_from(std::vector<std::int32_t>(static_cast<std::size_t>(session->n_ctx()), 5),
                                   {.max_tokens = 0}));
    INFO(arch);
    if (planned->device.find("host") != std::string::npos)  // a real one gives its memory out in larger pieces
      CHECK(before - (*device)->heap().left() == planned->device_bytes);
  }
}

TEST_CASE("what a device cannot do is refused, never done elsewhere") {
  const test::TempFolder folder;
  const std::string path = test::write_random_model(small("llama", Format::q8_0), folder / "m.gguf");
  const auto refused = [&](const ModelOptions& how) {
    const auto model = Model::open(path, how);
    REQUIRE_FALSE(model);
    return model.error();
  };
  for (const char* name : {"", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "cuda0", "CPU"})
    CHECK(refused({.device = name}).status() == Status::invalid_argument);
  CHECK(refused({.device = "cuda:255"}).status() == Status::unsupported);
  if (!has_device()) return;
  CHECK(refused({.weights = Weights::file, .device = "cuda"}).status() == Status::unsupported);
}

TEST_CASE(
    "passes that are replayed have the bits of passes that are queued, also when another workspace takes the first "
    "one's place") {
  if (!has_device()) return;
  const test::TempFolder folder;
  const std::string path = test::write_random_model(small("qwen3moe", Format::q8_0), folder / "m.gguf");
  const auto cpu = open_on(path, "cpu"), device = open_on(path, "cuda");
  const auto decode = [&](const engine::LoadedModel& model, std::int64_t text) {
    auto space = model::Workspace::make(model.config(), 1, 1, model.placement());
    auto cache = model::KvCache::make(model.config(), KvType::f16, kContext, 1, model.pool());
    REQUIRE(space);
    REQUIRE(cache);
    std::vector<float> all;
    for (std::int64_t p = 0; p < 8; ++p) {
      const model::Row row{&*cache, p, token(p, text), true};
      REQUIRE(model.forward({&row, 1}, *space));
      all.insert(all.end(), space->ended_with, space->ended_with + model.config().n_vocab);
    }
    return all;
  };
  for (const std::int64_t text : {0, 1, 2}) CHECK(same_bits(decode(*device, text), decode(*cpu, text)));
}

TEST_CASE("embeddings on a device are the CPU's, of encoders and of others") {
  if (!has_device()) return;
  const test::TempFolder folder;
  for (const char* arch : {"bert", "jina-bert-v2", "nomic-bert", "qwen3"}) {
    INFO(arch);
    const std::string path = test::write_random_model(small(arch, Format::q8_0), folder / "m.gguf");
    const auto embed = [&](const char* on) {
      const auto model = open_on(path, on);
      std::vector<std::vector<float>> all;
      const std::vector<std::vector<std::int32_t>> texts = {{5, 6, 7}, {9}, {11, 12, 13, 14, 15, 16, 17, 18}};
      const auto done =
          engine::embed(*model, texts, {.pooling = Pooling::mean, .chunk = 9}, [&](std::span<const float> e) {
            all.emplace_back(e.begin(), e.end());
            return true;
          });
      if (!done) FAIL(done.error().message());
      return all;
    };
    CHECK(embed("cuda") == embed("cpu"));
  }
}

TEST_CASE("a model or a context that a device has no room for is refused with both figures") {
  if (!has_device()) return;
  const test::TempFolder folder;
  test::RandomModel m = small("llama", Format::q8_0);
  m.n_ctx = 1 << 22;
  const std::string path = test::write_random_model(m, folder / "m.gguf");
  const auto device = backend::open_cuda(0);
  const Heap& heap = (*device)->heap();
  const auto model = Model::open(path, {.threads = 1, .device = "cuda"});
  REQUIRE(model);
  if (heap.left() > std::uint64_t{1} << 30) return;  // a real one has room for this one
  const auto session = model->session({.n_ctx = m.n_ctx});
  REQUIRE_FALSE(session);
  CHECK(session.error().status() == Status::out_of_memory);
  CHECK(session.error().message().find(std::to_string(heap.left()) + " are left") != std::string::npos);

  const auto ballast = AlignedBuffer<std::byte>::make_unwritten(heap.left() - 4096, heap);
  REQUIRE(ballast);
  const auto second = Model::open(path, {.threads = 1, .device = "cuda"});
  REQUIRE_FALSE(second);
  CHECK(second.error().status() == Status::out_of_memory);
  CHECK(second.error().message().find(std::to_string(heap.left()) + " are left") != std::string::npos);
}

TEST_CASE("what is not finite on a device is the CPU's error, naming layer and step") {
  if (!has_device()) return;
  const test::TempFolder folder;
  test::ModelEditor editor(small("llama", Format::q8_0));
  std::vector<std::byte>& norm = editor.tensor("blk.1.ffn_norm.weight").bytes;
  std::fill(norm.begin(), norm.end(), std::byte{0xff});
  const std::string path = folder / "m.gguf";
  REQUIRE(editor.write(path) != 0);
  const auto message = [&](const char* on) {
    const auto model = open_on(path, on);
    auto space = model::Workspace::make(model->config(), 1, 1, model->placement());
    auto cache = model::KvCache::make(model->config(), KvType::f16, kContext, 1, model->pool());
    const model::Row row{&*cache, 0, 5, true};
    const auto done = model->forward({&row, 1}, *space);
    REQUIRE_FALSE(done);
    CHECK(done.error().status() == Status::non_finite);
    return done.error().message();
  };
  CHECK(message("cuda") == message("cpu"));
}

TEST_CASE("whoever has which layers, and whoever has the experts, the bits are the CPU's") {
  if (!has_device()) return;
  const test::TempFolder folder;
  const auto check = [&](const char* arch, std::int64_t n_layer, const std::vector<Where>& places) {
    test::RandomModel m = small(arch, Format::q8_0);
    m.n_layer = n_layer, m.window = 4, m.tied = std::string_view(arch) == "llama";
    const std::string path = test::write_random_model(m, folder / "m.gguf");
    const auto expected = Story(*open_on(path, "cpu"), KvType::f16).tell_briefly();
    for (const Where& where : places) {
      INFO(arch << " " << where.device << " " << where.layers << (where.cpu_moe ? " experts apart" : ""));
      if (!engine::open_devices(where.device)) {
        WARN("SKIPPED: " << where.device << " is not there");
        continue;
      }
      CHECK(same_bits(Story(*open_on(path, where), KvType::f16).tell_briefly(), expected));
    }
  };
  check("llama", 3, {{"cuda", "1"}, {"cuda:2", "3"}, {"cuda:1,0", "2"}, {"cuda:1,2,0", "1,1,1"}});
  check("qwen2moe", 2, {{"cuda", "1"}, {"cuda", "all", true}, {"cuda:0,1", "2", true}});
  check("deepseek2", 2, {{"cuda", "1", true}});
  check("gemma3", 3, {{"cuda:0,1", "1,1"}});     // windows and norms behind each half
  check("gpt-oss", 2, {{"cuda", "all", true}});  // biases
  check("command-r", 2, {{"cuda", "1"}});        // both halves of a block read the same rows
}

TEST_CASE("an encoder divided among devices has the CPU's embeddings") {
  if (!has_device(1)) return;
  const test::TempFolder folder;
  for (const char* arch : {"bert", "jina-bert-v2"}) {
    test::RandomModel m = small(arch, Format::q8_0);
    m.n_layer = 3;
    const std::string path = test::write_random_model(m, folder / "m.gguf");
    const auto embed = [&](const Where& where) {
      const auto model = Model::open(path, where.options());
      if (!model) FAIL(model.error().message());
      const auto vector = model->embed_from(std::vector<std::int32_t>{11, 12, 13, 14}, {.pooling = Pooling::mean});
      if (!vector) FAIL(vector.error().message());
      return *vector;
    };
    INFO(arch);
    for (const Where& where : {Where{"cuda:0,1"}, Where{"cuda", "2"}}) CHECK(embed(where) == embed({"cpu"}));
  }
}

TEST_CASE("a divided text's file is the CPU's, byte by byte, and goes on there") {
  if (!has_device(1)) return;
  const test::TempFolder folder;
  test::RandomModel m = small("gemma3", Format::q8_0);
  m.window = 4, m.n_layer = 4;
  const std::string path = test::write_random_model(m, folder / "m.gguf");
  const auto open = [&](const Where& where) {
    auto model = Model::open(path, where.options());
    if (!model) FAIL(model.error().message());
    return std::move(*model);
  };
  const Model cpu = open({"cpu"}), divided = open({"cuda:0,1", "2,1"});
  const auto begin = [&](const Model& model, const std::string& file) {
    auto session = model.session({.n_ctx = 100, .chunk = 24});
    REQUIRE(session);
    REQUIRE(session->generate_from(std::vector<std::int32_t>(70, 11), {.max_tokens = 2}));
    REQUIRE(session->save(file));
  };
  begin(cpu, folder / "cpu.session");
  begin(divided, folder / "divided.session");
  CHECK(test::read_file(folder / "cpu.session") == test::read_file(folder / "divided.session"));
  const auto go_on = [&](const Model& model) {
    auto session = model.restore(folder / "cpu.session");
    REQUIRE(session);
    const auto reply = session->generate_from(std::vector<std::int32_t>{9}, {.max_tokens = 4});
    REQUIRE(reply);
    return reply->logits_hash;
  };
  CHECK(go_on(divided) == go_on(cpu));
}

TEST_CASE("a plan's bytes on each of several devices are those that are then taken, and nothing is forecast") {
  if (!has_device(1)) return;
  const test::TempFolder folder;
  for (const Where& where : {Where{"cuda:0,1"}, Where{"cuda:1,0", "1,1"}, Where{"cuda:0,1", "2", true}}) {
    test::RandomModel m = small("qwen2moe", Format::q8_0);
    m.n_layer = 3;
    const std::string path = test::write_random_model(m, folder / "m.gguf");
    const auto planned = plan(path, where.options(), {.n_ctx = 70, .chunk = 33});
    if (!planned) FAIL(planned.error().message());
    INFO(planned->device);
    const bool cpu = where.cpu_moe || where.layers != std::string_view("all");
    REQUIRE(planned->devices.size() == (cpu ? 3u : 2u));
    CHECK(planned->fits);
    CHECK(planned->decode_tps == 0);
    CHECK(planned->devices[0].n_layer + planned->devices[1].n_layer == (cpu ? 2 : 3));
    CHECK(planned->devices[0].experts == !where.cpu_moe);
    CHECK(planned->device_bytes == planned->devices[0].bytes + planned->devices[1].bytes);
    if (cpu) CHECK(planned->devices[2].bytes == planned->total_bytes - planned->device_bytes);
    const auto model = Model::open(path, where.options());
    REQUIRE(model);
    auto session = model->session({.n_ctx = 70, .chunk = 33, .reuse = false});
    REQUIRE(session);
    REQUIRE(session->generate_from(std::vector<std::int32_t>(70, 5), {.max_tokens = 0}));
    for (std::size_t d = 0; d < 2 && planned->device.find("host") != std::string::npos; ++d) {
      const int number = planned->devices[d].name[5] - '0';
      CHECK(planned->devices[d].available_bytes - (*backend::open_cuda(number))->heap().left() ==
            planned->devices[d].bytes);
    }
  }
}

TEST_CASE(
    "layers that do not fit are refused with both figures, or the CPU's where that was allowed, and the plan says so") {
  if (!has_device()) return;
  const test::TempFolder folder;
  test::RandomModel m = small("llama", Format::q8_0);
  m.n_layer = 8, m.dim = 256, m.ffn_dim = 512, m.n_head = 4;
  const std::string path = test::write_random_model(m, folder / "m.gguf");
  const auto device = backend::open_cuda(0);
  const Heap& heap = (*device)->heap();
  if (heap.left() > std::uint64_t{1} << 30) return;  // a real one has room for this one
  const auto planned_on = [&](const Where& where) {
    auto planned = plan(path, where.options(), {.n_ctx = 256}, 1, false);
    if (!planned) FAIL(planned.error().message());
    return *planned;
  };
  const Plan all = planned_on({"cuda", "auto"});
  REQUIRE(all.devices.size() == 1);
  const std::uint64_t room = (all.device_bytes * 10) / 8;  // of which auto uses 70%
  const auto ballast = AlignedBuffer<std::byte>::make_unwritten(heap.left() - room, heap);
  REQUIRE(ballast);
  const Plan some = planned_on({"cuda", "auto"});
  REQUIRE(some.devices.size() == 2);
  CHECK(some.devices[0].n_layer > 0);
  CHECK(some.devices[0].n_layer < 8);
  CHECK(some.devices[0].n_layer + some.devices[1].n_layer == 8);
  REQUIRE(Model::open(path, Where{"cuda", "auto"}.options()));
  const auto more = AlignedBuffer<std::byte>::make_unwritten(heap.left() - all.weights_bytes / 2, heap);
  REQUIRE(more);
  const auto refused = Model::open(path, Where{"cuda"}.options());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().status() == Status::out_of_memory);
  CHECK(refused.error().message().find(std::to_string(heap.left()) + " are left on cuda:0") != std::string::npos);
  const auto none = AlignedBuffer<std::byte>::make_unwritten(heap.left() - 4096, heap);
  REQUIRE(none);
  const auto nothing = plan(path, Where{"cuda", "auto"}.options(), {}, 1, false);
  REQUIRE_FALSE(nothing);
  CHECK(nothing.error().status() == Status::out_of_memory);
  if (has_device(1)) CHECK(planned_on({"cuda:0,1", "auto"}).device.find("cuda:1") == 0);  // the full one is left out
}

TEST_CASE("a placement that cannot be is refused") {
  const test::TempFolder folder;
  const std::string path = test::write_random_model(small("llama", Format::q8_0), folder / "m.gguf");
  const auto refused = [&](const Where& where) {
    const auto model = Model::open(path, where.options());
    REQUIRE_FALSE(model);
    const auto planned = plan(path, where.options(), {}, 1, false);
    REQUIRE_FALSE(planned);
    CHECK(planned.error().message() == model.error().message());
    return model.error().status() == Status::invalid_argument;
  };
  CHECK(refused({"cpu", "1"}));
  CHECK(refused({"cpu", "all", true}));
  if (!has_device(1)) return;
  for (const char* layers : {"0", "3", "", "x", "-1", "1x", "1,", "1,1", "99999999999999999999"})
    CHECK(refused({"cuda", layers}));
  for (const char* layers : {"1", "0,2", "2,1", "1,1,1"}) CHECK(refused({"cuda:0,1", layers}));
  for (const char* device : {"cuda:0,0", "cuda:0,", "cuda:,0", "cuda:0 1"}) CHECK(refused({device}));
  CHECK(refused({"cuda", "all", true}));  // no experts
}

TEST_CASE("what is not finite is the CPU's error on whichever device") {
  if (!has_device(1)) return;
  const test::TempFolder folder;
  for (const char* tensor : {"blk.0.ffn_norm.weight", "blk.2.attn_norm.weight", "blk.1.ffn_down_exps.weight"}) {
    test::RandomModel m = small("qwen2moe", Format::f32);
    m.n_layer = 3;
    test::ModelEditor editor(m);
    std::vector<std::byte>& bytes = editor.tensor(tensor).bytes;
    std::fill(bytes.begin(), bytes.end(), std::byte{0xff});
    const std::string path = folder / "m.gguf";
    REQUIRE(editor.write(path) != 0);
    const auto message = [&](const Where& where) {
      const auto model = Model::open(path, where.options());
      REQUIRE(model);
      auto session = model->session({.n_ctx = 64});
      REQUIRE(session);
      const auto reply = session->generate_from(std::vector<std::int32_t>{5}, {.max_tokens = 1});
      REQUIRE_FALSE(reply);
      return reply.error().message();
    };
    for (const Where& where : {Where{"cuda:0,1"}, Where{"cuda", "2"}, Where{"cuda", "all", true}}) {
      INFO(tensor << " " << where.device << " " << where.layers);
      CHECK(message(where) == message({"cpu"}));
    }
  }
}
