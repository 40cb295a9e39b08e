// One answer: logits hash the same over ISA x threads x chunk x weights, whatever floating-point state the caller is in; and a
// real trained model gives its published answer.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <hearth/hearth.hpp>
#include <set>

#include "arch_traits.h"
#include "requantize.h"
#include "support/answer_grid.h"
#include "support/catch.hpp"
#include "support/npy.h"
#include "support/random_model.h"
#include "support/sanitized.h"
#include "support/test_data.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace one_answer_test {

using namespace hearth;
using test::check_grid;
using test::Grid;
using test::isas_here;
using test::logits_of;
using test::read_npy;
using test::same_bits;
using test::worst;

namespace {

std::vector<std::int32_t> some_ids(std::int64_t n, std::int64_t n_vocab) {
  std::vector<std::int32_t> ids = {1};
  for (std::int64_t i = 1; i < n; ++i) ids.push_back(static_cast<std::int32_t>((i * 7919 + 13) % n_vocab));
  return ids;
}

}  // namespace

TEST_CASE("one answer: random models of every format and family over ISA, threads, chunk and layout") {
  const test::TempFolder folder;
  for (const kernels::FormatInfo& info : kernels::kFormats)
    for (const char* arch : {"llama", "qwen2"}) {
      test::RandomModel m;
      m.arch = arch;
      m.format = info.format;
      m.tied = arch == std::string("qwen2");
      if (info.block_elements == 256) m.dim = 256, m.ffn_dim = 512;
      const bool every_way =
          arch == std::string("llama") && (m.format == kernels::Format::f16 || m.format == kernels::Format::q4_0);
      check_grid(test::write_random_model(m, folder / (std::string(arch) + info.name + ".gguf")),
                 some_ids(70, m.n_vocab), Kv::f16, every_way ? Grid::full : Grid::thin);
    }
}

TEST_CASE(
    "one answer: every family, with experts where it may have them, in blocks of 32 and in floats or blocks of 256") {
  const test::TempFolder folder;
  bool in_floats = false;  // in turn: what a format changes does not depend on the family
  for (const model::ArchTraits& arch : model::arch_table()) {
    if (!arch.causal) continue;  // embed_test
    in_floats = !in_floats;
    for (const kernels::Format format :
         {kernels::Format::q4_0, in_floats ? kernels::Format::f32 : kernels::Format::q4_k}) {
      test::RandomModel m;
      m.arch = arch.name, m.format = format, m.head_dim = 32, m.seed = 21;
      if (arch.routing != model::Routing::none) m.n_expert = 7, m.n_expert_used = 3;
      if (arch.full_every != 0) m.window = 20, m.soft_caps = true;
      m.n_layer = 2 + std::max(arch.full_every, arch.unrotated_every);
      if (format == kernels::Format::q4_k)
        m.dim = m.ffn_dim = m.expert_ffn_dim = m.shared_ffn_dim = 256, m.head_dim = 64;
      check_grid(test::write_random_model(m, folder / "m.gguf"), some_ids(90, m.n_vocab), Kv::f16,
                 format == kernels::Format::q4_0 && m.n_expert != 0 ? Grid::sparse : Grid::thin);
    }
  }
}

TEST_CASE("one answer: many heads to a K/V head, f32 cache") {
  const test::TempFolder folder;
  test::RandomModel m;
  m.dim = 192, m.n_head = 12, m.n_kv_head = 1, m.seed = 5;
  check_grid(test::write_random_model(m, folder / "mqa.gguf"), some_ids(70, m.n_vocab), Kv::f32, Grid::sparse);
}

TEST_CASE("one answer: q8_0 cache, over the edges of pages") {
  const test::TempFolder folder;
  test::RandomModel m;
  m.dim = 128, m.n_head = 4, m.n_kv_head = 2, m.seed = 6;
  const std::string path = test::write_random_model(m, folder / "q8_0.gguf");
  check_grid(path, some_ids(150, m.n_vocab), Kv::q8_0, Grid::sparse);
  const std::vector<std::int32_t> ids = some_ids(150, m.n_vocab);
  CHECK_FALSE(same_bits(logits_of(path, {}, {.kv = Kv::q8_0}, ids), logits_of(path, {}, {.kv = Kv::f32}, ids)));
}

TEST_CASE("one answer, K4: 1 to 8 threads and chunks of 1 to 512: the same tokens at temperature 0") {
  const test::TempFolder folder;
  test::RandomModel m;
  m.format = kernels::Format::q4_0, m.n_layer = 1, m.dim = 64, m.ffn_dim = 64, m.n_ctx = 640, m.seed = 51;
  const std::string path = test::write_random_model(m, folder / "k4.gguf");
  std::vector<std::int32_t> prompt(520);
  for (std::size_t i = 0; i < prompt.size(); ++i) prompt[i] = static_cast<std::int32_t>(3 + i * 31 % 280);
  const auto tokens = [&](int threads, std::int64_t chunk) {
    auto model = Model::open(path, {.threads = threads});
    REQUIRE(model);
    auto session = model->session({.chunk = chunk});
    REQUIRE(session);
    auto reply = session->generate_from(prompt, {.max_tokens = 4});
    REQUIRE(reply);
    return std::pair(reply->tokens, reply->logits_hash);
  };
  const auto expected = tokens(1, 512);
#ifdef HEARTH_TEST_SANITIZED
  const std::vector<std::int64_t> chunks = {7, 64, 511};
#else
  std::vector<std::int64_t> chunks;
  for (std::int64_t chunk = 1; chunk <= 512; chunk += chunk < 3 ? 1 : chunk < 130 ? 13 : 61) chunks.push_back(chunk);
#endif
  for (const std::int64_t chunk : chunks) {
    INFO("chunk " << chunk);
    CHECK(tokens(1, chunk) == expected);
  }
  for (int threads = 2; threads <= 8; ++threads) {
    INFO("threads " << threads);
    CHECK(tokens(threads, 512) == expected);
  }
}

TEST_CASE("one answer: a window that the text crosses, whose pages are used again") {
  const test::TempFolder folder;
  for (const Kv kv : {Kv::f16, Kv::q8_0}) {
    test::RandomModel m;
    m.dim = 128, m.n_ctx = 512, m.window = 70, m.seed = 8;
    check_grid(test::write_random_model(m, folder / "window.gguf"), some_ids(400, m.n_vocab), kv, Grid::thin);
  }
}

#if defined(__x86_64__)
TEST_CASE("one answer: the caller's flush-to-zero, denormals-are-zero and rounding mode change nothing and are kept") {
  const test::TempFolder folder;
  test::RandomModel m;
  m.format = kernels::Format::q8_0;
  const std::string path = test::write_random_model(m, folder / "m.gguf");
  const std::vector<std::int32_t> ids = some_ids(40, m.n_vocab);
  const std::vector<float> expected = logits_of(path, {.threads = 2}, {}, ids);
  const unsigned before = _mm_getcsr();
  for (const unsigned state : {0x8000u, 0x0040u, 0x8040u, 0x4000u, 0x2000u, 0x6000u}) {
    for (const char* isa : {"scalar", ""}) {
      _mm_setcsr(0x1F80 | state);
      const std::vector<float> logits = logits_of(path, {.threads = 2, .isa = isa}, {}, ids);
      const unsigned after = _mm_getcsr();
      _mm_setcsr(before);
      CHECK((after & ~0x3fu) == (0x1F80 | state));  // the low six bits are sticky flags
      CHECK(same_bits(expected, logits));
    }
  }
}
#endif

namespace {

std::vector<std::int32_t> read_ids(const std::filesystem::path& path) {
  std::vector<std::int32_t> ids;
  std::istringstream text(test::read_file(path));
  for (std::string id; std::getline(text, id, ',');) ids.push_back(std::stoi(id));
  return ids;
}

}  // namespace

TEST_CASE("stories260K: the published text and a float64 pass's logits") {
  const std::filesystem::path models = test::data_folder() / "models", path = models / "stories260K.gguf";
  HEARTH_NEEDS_TEST_DATA(path);
  const std::vector<std::int32_t> ids = read_ids(models / "stories260K.ids.txt");
  const std::vector<float> published = read_npy(models / "stories260K.logits.npy");
  const float f32_error = worst(published, logits_of(path, {}, {.kv = Kv::f32}, ids));
  const float f16_error = worst(published, logits_of(path, {}, {.kv = Kv::f16}, ids));
  CAPTURE(f32_error, f16_error);
  CHECK(f32_error < 1e-3f);
  CHECK(f16_error < 3e-2f);

  std::string greedy = test::read_file(models / "stories260K.greedy.txt");
  greedy.pop_back();  // the file's last newline
  for (const std::string& isa : isas_here()) {
    auto model = Model::open(path, {.isa = isa});
    REQUIRE(model);
    auto session = model->session();
    REQUIRE(session);
    auto reply = session->generate("", {.max_tokens = 256});
    REQUIRE(reply);
    CHECK(reply->text == greedy);
  }
}

TEST_CASE("stories260K: one answer over the whole grid") {
  const std::filesystem::path models = test::data_folder() / "models", path = models / "stories260K.gguf";
  HEARTH_NEEDS_TEST_DATA(path);
  check_grid(path, read_ids(models / "stories260K.ids.txt"), Kv::f16);
}

TEST_CASE("stories260K: requantized to Q8_0 it stays within the bound of its rounding") {
  const std::filesystem::path models = test::data_folder() / "models", path = models / "stories260K.gguf";
  HEARTH_NEEDS_TEST_DATA(path);
  const test::TempFolder folder;
  auto file = gguf::File::open(path);
  REQUIRE(file);
  gguf::Writer writer;
  std::set<std::string> converted;
  REQUIRE(quant::requantize(
      *file,
      [&](const gguf::Tensor& t) -> std::optional<kernels::Format> {
        if (t.n_dims != 2 || t.dims[0] % 32 != 0) return std::nullopt;
        converted.insert(std::string(t.name));
        return kernels::Format::q8_0;
      },
      writer));
  CHECK(converted.count("blk.0.ffn_gate.weight") == 1);
  CHECK(converted.count("blk.0.ffn_down.weight") == 0);
  const std::string out = folder / "q8.gguf";
  REQUIRE(writer.write(out));
  const std::vector<std::int32_t> ids = read_ids(models / "stories260K.ids.txt");
  const std::vector<float> published = read_npy(models / "stories260K.logits.npy");
  const float error = worst(published, logits_of(out, {}, {}, ids));
  // Rounding to 127 steps of a block's largest value leaves sqrt(1/12) of a step, for values that peak at three times their
  // spread 3/127/sqrt(12) = 0.7% of a product, from the weights and as much from the activations. Two half blocks a layer and the
  // head add such errors to the stream independently; the largest of 23,040 normal errors is below 4.5 times their spread.
  double square = 0;
  for (const float l : published) square += static_cast<double>(l) * l / static_cast<double>(published.size());
  const double bound = 4.5 * std::sqrt(2.0 * (2 * 5 + 1)) * (3.0 / 127 / std::sqrt(12.0)) * std::sqrt(square);
  CAPTURE(error, bound);
  CHECK(error < bound);
  check_grid(out, ids, Kv::f16, Grid::sparse);
}

}  // namespace one_answer_test
