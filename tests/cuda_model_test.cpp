// Whole models on a CUDA device have the CPU's bits: prefill in pieces, decoding, texts together, forks, texts cut short, saved
// sessions. Where there is no device the host plays one: the same backend and kernels, every thread a fiber.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <hearth/tools.hpp>

#include "arch_traits.h"
#include "cuda.h"
#include "devices.h"
#include "embedding.h"
#include "kv_cache.h"
#include "loaded_model.h"
#include "plan.h"
#include "support/catch.hpp"
#include "support/device_story.h"
#include "support/host_device.h"
#include "support/older_latents.h"
#include "support/random_config.h"
#include "support/test_data.h"

using namespace hearth;
using namespace hearth::test;

namespace {

struct Case {
  test::RandomModel model;
  KvType kv = KvType::f16;
};

void check_same(const Case& c) {
  INFO(c.model.arch << " " << kernels::format_info(c.model.format).name);
  const test::TempFolder folder;
  const std::string path = test::write_random_model(c.model, folder / "m.gguf");
  const auto cpu = open_on(path, "cpu"), device = open_on(path, "cuda");
  const auto expected = Story(*cpu, c.kv).tell();
  CHECK(same_bits(Story(*device, c.kv).tell(), expected));
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
  const std::string path = folder / "m.gguf";
  const auto check = [&] {
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
    if (planned->device.find("host") != std::string::npos)  // a real one gives its memory out in larger pieces
      CHECK(before - (*device)->heap().left() == planned->device_bytes);
  };
  for (const char* arch : {"llama", "qwen3moe", "gemma3", "deepseek2"}) {
    INFO(arch);
    test::RandomModel m = small(arch, Format::q8_0);
    m.window = 20, m.n_ctx = 100;  // a page and a part of one
    test::write_random_model(m, path);
    check();
  }
  const test::RandomModel latents = small("deepseek2", Format::f32);
  test::ModelEditor older(latents);  // the copies of its matrices are made after the plan
  test::make_older(older, latents);
  REQUIRE(older.write(path) > 0);
  check();
}

TEST_CASE("a device's speed is not compared with the host's memory") {
  if (!has_device()) return;
  const test::TempFolder folder;
  const std::string path = test::write_random_model(small("llama", Format::q8_0), folder / "m.gguf");
  for (const char* where : {"cpu", "cuda"}) {
    const auto model = Model::open(path, {.threads = 1, .device = where});
    REQUIRE(model);
    const auto report = tools::bench(*model, {}, {.n_prompt = 1, .n_generate = 2, .reps = 1});
    REQUIRE(report);
    CHECK((report->runs[0].pct_of_read_peak > 0) == (std::string(where) == "cpu"));
  }
}

TEST_CASE("long contexts take a limited room beside their pages, and smaller passes find it large enough") {
  if (!has_device()) return;
  const auto device = backend::open_cuda(0);
  REQUIRE(device);
  const auto bytes = [&](std::int64_t n_rows, std::int64_t longest) {
    backend::PassLimits l{.n_rows = n_rows, .n_parts = 1, .n_pages = 1, .longest = longest, .n_angles = 64};
    l.shape = {.n_head = 32, .n_kv_head = 8, .head_dim = 128, .kv_type = KvType::f16};
    return (*device)->bytes(l).device;
  };
  std::uint64_t least = 0;
  for (std::int64_t longest = 256; longest <= 131072; longest *= 2) {
    const std::uint64_t last = bytes(15, longest);
    CHECK(last >= least);
    CHECK(bytes(16, longest) >= last);
    least = last;
  }
  CHECK(bytes(128, 131072) < std::uint64_t{260} << 20);
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

TEST_CASE("a pass that cannot be recorded is an error once, then passes are queued launch by launch") {
  if (!has_device()) return;
  if ((*backend::open_cuda(0))->name().find("the host") == std::string::npos) return;  // others record what they can
  const test::TempFolder folder;
  const std::string path = test::write_random_model(small("llama", Format::q8_0), folder / "m.gguf");
  const auto model = open_on(path, "cuda");
  auto space = model::Workspace::make(model->config(), 1, 1, model->placement());
  auto cache = model::KvCache::make(model->config(), KvType::f16, kContext, 1, model->pool());
  const auto forward = [&](std::int64_t position) {
    const model::Row row{&*cache, position, 5, true};
    return model->forward({&row, 1}, *space);
  };
  on_host::refuses_recordings = true;
  CHECK(forward(0));
  const auto refused = forward(1);  // the second pass of its shape
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message().find("could not be recorded") != std::string::npos);
  CHECK(cache->truncate(1) == 1);
  for (std::int64_t position = 1; position < 4; ++position) CHECK(forward(position));
  const auto expected = Story(*open_on(path, "cpu"), KvType::f16).tell_briefly();
  CHECK(same_bits(Story(*model, KvType::f16).tell_briefly(), expected));
  on_host::refuses_recordings = false;
}

TEST_CASE("a device that chooses the tokens itself chooses the CPU's, and keeps its logits") {
  if (!has_device()) return;
  const test::TempFolder folder;
  const std::string path = test::write_random_model(small("llama", Format::q8_0), folder / "m.gguf");
  const auto generate = [&](const Where& where, const GenerateOptions& options) {
    const auto model = Model::open(path, where.options());
    REQUIRE(model);
    auto session = model->session({.n_ctx = 64});
    REQUIRE(session);
    const auto reply = session->generate_from(std::vector<std::int32_t>{5, 6, 5, 6, 5}, options);
    if (!reply) FAIL(reply.error().message());
    return std::pair(reply->tokens, reply->logits_hash);
  };
  GenerateOptions greedy{.max_tokens = 8},
      drawn{.max_tokens = 8, .sampling = {.temp = 0.8f, .min_p = 0.05f, .seed = 3}},
      cut{.max_tokens = 8, .sampling = {.temp = 1.2f, .top_k = 20, .top_p = 0.9f}}, known = drawn, penalised = drawn;
  known.logprobs = 0;                        // needs the logits
  penalised.sampling.repeat_penalty = 1.3f;  // as does this
  for (const GenerateOptions& options : {greedy, drawn, cut, known, penalised})
    CHECK(generate({"cuda"}, options) == generate({"cpu"}, options));
  if (has_device(1)) CHECK(generate({"cuda:0,1"}, drawn) == generate({"cpu"}, drawn));
  CHECK(generate({"cuda", "1"}, drawn) == generate({"cpu"}, drawn));  // the CPU has the head

  const auto model = open_on(path, "cuda");
  auto space = model::Workspace::make(model->config(), 2, 2, model->placement());
  auto cache = model::KvCache::make(model->config(), KvType::f16, kContext, 2, model->pool());
  REQUIRE(space);
  REQUIRE(cache);
  std::vector<model::Row> rows{{&*cache, 0, 5, true, kernels::Draw{}}, {&*cache, 1, 6, true, kernels::Draw{}}};
  REQUIRE(model->forward(rows, *space));
  CHECK(space->ended_with == nullptr);
  REQUIRE(space->drawn.size() == 2);
  const std::vector<std::int32_t> tokens(space->drawn.begin(), space->drawn.end());
  for (std::int64_t i = 0; i < 2; ++i) {
    const auto logits = space->logits(model->config(), i);
    REQUIRE(logits);
    CHECK(std::max_element(logits->begin(), logits->end()) - logits->begin() == tokens[static_cast<std::size_t>(i)]);
  }
  rows[1].draw.reset();  // now the host is to choose from one of them
  REQUIRE(model->forward(rows, *space));
  CHECK(space->drawn.empty());
  CHECK(space->ended_with != nullptr);
}

TEST_CASE("requests that a device chooses for stand beside others that need their logits") {
  if (!has_device()) return;
  const test::TempFolder folder;
  const std::string path = test::write_random_model(small("llama", Format::q8_0), folder / "m.gguf");
  const auto replies = [&](const Where& where) {
    const auto model = Model::open(path, where.options());
    REQUIRE(model);
    auto engine = Engine::start(*model, {.n_parallel = 2, .session = {.n_ctx = 64}});
    REQUIRE(engine);
    const GenerateOptions drawn{.max_tokens = 6, .sampling = {.temp = 0.9f, .top_k = 30}},
        known{.max_tokens = 3, .logprobs = 1};
    std::vector<Request> requests;
    for (const GenerateOptions& options : {drawn, known, drawn}) {
      auto request = engine->submit_from(std::vector<std::int32_t>{5, 9}, options);
      REQUIRE(request);
      requests.push_back(*request);
    }
    std::vector<std::uint64_t> hashes;
    for (const Request& request : requests) {
      const auto reply = request.wait();
      REQUIRE(reply);
      hashes.push_back(reply->logits_hash);
      for (const std::int32_t id : reply->tokens) hashes.push_back(static_cast<std::uint64_t>(id));
    }
    return hashes;
  };
  CHECK(replies({"cuda"}) == replies({"cpu"}));
}
