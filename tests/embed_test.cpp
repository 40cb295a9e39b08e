// Embeddings: pooling's arithmetic, what an encoder's rows see, one answer whatever the company, errors; and real sentences.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <hearth/hearth.hpp>
#include <hearth/tools.hpp>
#include <numeric>

#include "dispatch.h"
#include "embedding.h"
#include "support/catch.hpp"
#include "support/golden_models.h"
#include "support/random_model.h"
#include "support/test_data.h"
#include "tables.h"

namespace embed_test {

using namespace hearth;

namespace {

using Ids = std::vector<std::int32_t>;
using Vector = std::vector<float>;

const char* const kEncoders[] = {"bert", "nomic-bert", "jina-bert-v2"};

Ids some_ids(std::int64_t n, std::int32_t from = 3) {
  Ids ids;
  for (std::int64_t i = 0; i < n; ++i) ids.push_back(static_cast<std::int32_t>(from + (i * 7919) % 280));
  return ids;
}

test::RandomModel model_of(const std::string& arch, kernels::Format format = kernels::Format::f32) {
  test::RandomModel m;
  m.arch = arch, m.format = format, m.n_kv_head = arch == "qwen3" ? 2 : 4, m.n_head = 4, m.seed = 11;
  return m;
}

Model open_model(const std::string& path, const ModelOptions& options = {.threads = 2}) {
  auto model = Model::open(path, options);
  if (!model) FAIL(model.error().message());
  return *model;
}

Vector must(Result<Vector> embedding) {
  if (!embedding) FAIL(embedding.error().message());
  return std::move(*embedding);
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

Vector pooled(Pooling how, const std::vector<Vector>& rows) {
  engine::Pool pool(how, static_cast<std::int64_t>(rows.size()));
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (pool.wants(static_cast<std::int64_t>(i))) pool.add(rows[i]);
  return pool.take();
}

void check_refused(const Result<Vector>& made, Status status, const std::vector<std::string>& words) {
  REQUIRE_FALSE(made);
  CHECK(made.error().status() == status);
  for (const std::string& word : words) {
    INFO(made.error().message());
    CHECK(made.error().message().find(word) != std::string::npos);
  }
}

}  // namespace

TEST_CASE("pooling: the mean adds in order of position and divides once; cls, last and none choose") {
  const std::vector<Vector> rows = {{1.0f, 2.0f}, {0x1p24f, 3.0f}, {-0x1p24f, 4.5f}};
  CHECK(pooled(Pooling::mean, rows) == Vector{0.0f, 9.5f / 3.0f});  // 1 is lost in 2^24 + 1, which rounds to even
  const std::vector<Vector> turned = {rows[1], rows[2], rows[0]};
  CHECK(pooled(Pooling::mean, turned) == Vector{1.0f / 3.0f, 9.5f / 3.0f});
  CHECK(pooled(Pooling::cls, rows) == rows.front());
  CHECK(pooled(Pooling::last, rows) == rows.back());
  CHECK(pooled(Pooling::none, rows) == Vector{1.0f, 2.0f, 0x1p24f, 3.0f, -0x1p24f, 4.5f});
  CHECK(pooled(Pooling::mean, {rows[1]}) == rows[1]);
}

TEST_CASE("normalise: length 1, scalar's bits in every ISA, zeros stay, what is too long is refused") {
  test::Rng rng(3);
  for (const std::size_t n : {1u, 15u, 16u, 17u, 64u, 384u, 1000u}) {
    const Vector v = test::random_floats(rng, n, 30.0f);
    Vector expected = v;
    REQUIRE(engine::normalise(kernels::table_scalar, expected));
    double squares = 0;
    for (const float x : expected) squares += static_cast<double>(x) * static_cast<double>(x);
    // The sum of squares rounds n/16 + 4 times, the root, its inverse and each product once: the length is off by half of the
    // first and by the others.
    CHECK(std::fabs(std::sqrt(squares) - 1) < (static_cast<double>(n) / 32 + 6) * 0x1p-24);
    for (const kernels::KernelTable* table : kernels::runnable()) {
      Vector y = v;
      REQUIRE(engine::normalise(*table, y));
      INFO(table->name << " n=" << n);
      CHECK(same_bits(y, expected));
    }
  }
  Vector zeros(20, 0.0f), large(20, 1e20f);
  CHECK(engine::normalise(kernels::table_scalar, zeros));
  CHECK(zeros == Vector(20, 0.0f));
  CHECK_FALSE(engine::normalise(kernels::table_scalar, large));
}

TEST_CASE("an encoder's first row sees the last token, a causal model's does not") {
  const test::TempFolder folder;
  for (const std::string arch : {"bert", "nomic-bert", "jina-bert-v2", "qwen3"}) {
    const Model model = open_model(test::write_random_model(model_of(arch), folder / "m.gguf"));
    CHECK(model.info().encoder == (arch != "qwen3"));
    for (const std::int64_t n : {2, 70, 200}) {
      Ids ids = some_ids(n);
      const EmbedOptions options{.pooling = Pooling::none, .chunk = 16};
      const Vector before = must(model.embed_from(ids, options));
      ids.back() ^= 1;
      const Vector after = must(model.embed_from(ids, options));
      const auto dim = static_cast<std::size_t>(model.info().dim);
      REQUIRE(before.size() == static_cast<std::size_t>(n) * dim);
      INFO(arch << " of " << n);
      CHECK(same_bits(std::span(before).first(dim), std::span(after).first(dim)) == (arch == "qwen3"));
    }
  }
}

TEST_CASE("positions matter: the same tokens in another order are another text") {
  const test::TempFolder folder;
  for (const std::string arch : kEncoders) {
    const Model model = open_model(test::write_random_model(model_of(arch), folder / "m.gguf"));
    const Ids ids = some_ids(20);
    Ids turned = ids;  // not reversed: distances would stay what they are
    std::rotate(turned.begin(), turned.begin() + 7, turned.end());
    const EmbedOptions mean{.pooling = Pooling::mean};
    const Vector a = must(model.embed_from(ids, mean)), b = must(model.embed_from(turned, mean));
    double worst = 0;
    for (std::size_t d = 0; d < a.size(); ++d) worst = std::max(worst, std::fabs(static_cast<double>(a[d] - b[d])));
    INFO(arch << " " << worst);
    CHECK(worst > 1e-4);
  }
}

TEST_CASE("one answer: embeddings have the same bits whatever the company, chunk, threads, layout and ISA") {
  const test::TempFolder folder;
  for (const std::string arch : {"bert", "nomic-bert", "jina-bert-v2", "qwen3"})
    for (const kernels::Format format : {kernels::Format::f32, kernels::Format::q8_0}) {
      const std::string path = test::write_random_model(model_of(arch, format), folder / "m.gguf");
      const std::vector<std::string> texts = {"a", "", "abc abc", std::string(150, 'x'), "z a b", std::string(70, 'q')};
      std::vector<Vector> alone;
      for (const Pooling pooling : {Pooling::mean, Pooling::none}) {
        const Model first = open_model(path, {.threads = 1, .isa = "scalar", .weights = Weights::file});
        alone.clear();
        for (const std::string& text : texts) alone.push_back(must(first.embed(text, {.pooling = pooling})));
        for (const kernels::KernelTable* table : kernels::runnable())
          for (const Weights weights : {Weights::file, Weights::repacked})
            for (const std::int64_t chunk : {7, 512}) {
              const Model model = open_model(path, {.threads = 3, .isa = table->name, .weights = weights});
              std::size_t at = 0;
              std::size_t wrong = 0;
              auto done = model.embed(texts, {.pooling = pooling, .chunk = chunk}, [&](std::span<const float> e) {
                wrong += !same_bits(e, alone[at++]);
                return true;
              });
              if (!done) FAIL(done.error().message());
              INFO(arch << " " << table->name << " chunk " << chunk);
              CHECK(at == texts.size());
              CHECK(wrong == 0);
            }
      }
    }
}

TEST_CASE("gate and up of jina-bert-v2 in one matrix or in two: the same bits") {
  const test::TempFolder folder;
  const test::RandomModel m = model_of("jina-bert-v2");
  const Model apart = open_model(test::write_random_model(m, folder / "apart.gguf"));
  test::ModelEditor editor(m);
  for (std::int64_t layer = 0; layer < m.n_layer; ++layer) {
    const std::string block = "blk." + std::to_string(layer) + ".";
    auto gate = editor.tensor(block + "ffn_gate.weight");
    auto& up = editor.tensor(block + "ffn_up.weight");
    gate.bytes.insert(gate.bytes.end(), up.bytes.begin(), up.bytes.end());
    up.bytes = gate.bytes;
    up.dims[1] *= 2;
    editor.drop(block + "ffn_gate.weight");
  }
  REQUIRE(editor.write(folder / "one.gguf") > 0);
  const Model one = open_model(folder / "one.gguf");
  const EmbedOptions mean{.pooling = Pooling::mean};
  CHECK(same_bits(must(apart.embed_from(some_ids(30), mean)), must(one.embed_from(some_ids(30), mean))));
}

TEST_CASE("what cannot be embedded is refused before anything is computed") {
  const test::TempFolder folder;
  const test::RandomModel m = model_of("bert");
  const Model model = open_model(test::write_random_model(m, folder / "m.gguf"));
  const EmbedOptions mean{.pooling = Pooling::mean};
  CHECK(model.embed_from(some_ids(256), mean));
  check_refused(model.embed_from(some_ids(257), mean), Status::context_full, {"257", "256", "text 1 of 1"});
  check_refused(model.embed_from(some_ids(9), {.pooling = Pooling::mean, .n_ctx = 8}), Status::context_full,
                {"9", "8"});
  check_refused(model.embed_from(some_ids(9), {.pooling = Pooling::mean, .n_ctx = 257}), Status::invalid_argument,
                {"257", "256"});
  check_refused(model.embed_from({}, mean), Status::invalid_argument, {"empty"});
  check_refused(model.embed_from(Ids{3, 288}, mean), Status::invalid_argument, {"288", "287"});
  check_refused(model.embed_from(Ids{-1}, mean), Status::invalid_argument, {"-1"});
  check_refused(model.embed_from(Ids{3}, {.pooling = Pooling::mean, .chunk = 0}), Status::invalid_argument, {"chunk"});
  check_refused(model.embed_from(Ids{3}), Status::invalid_argument, {"'bert.pooling_type'", "mean, cls, last or none"});

  std::size_t n_seen = 0;
  const std::vector<std::string> texts = {"a", "b", std::string(300, 'x')};
  const auto done = model.embed(texts, mean, [&](std::span<const float>) { return ++n_seen != 0; });
  REQUIRE_FALSE(done);
  CHECK(done.error().message().find("text 3 of 3") != std::string::npos);
  CHECK(n_seen == 0);
  CHECK(model.embed(std::span(texts).first(2), mean, [&](std::span<const float>) { return ++n_seen == 0; }));
  CHECK(n_seen == 1);  // returning false stops
}

TEST_CASE("the file's pooling: by its number; a classifier's is none of texts") {
  const test::TempFolder folder;
  const auto with_type = [&](std::uint32_t type) {
    test::ModelEditor editor(model_of("bert"));
    REQUIRE(editor.set("bert.pooling_type", type).write(folder / "m.gguf") > 0);
    return open_model(folder / "m.gguf");
  };
  const Pooling poolings[] = {Pooling::none, Pooling::mean, Pooling::cls, Pooling::last};
  for (std::uint32_t type = 0; type < 4; ++type) {
    const Model model = with_type(type);
    CHECK(same_bits(must(model.embed_from(some_ids(12))),
                    must(model.embed_from(some_ids(12), {.pooling = poolings[type]}))));
  }
  check_refused(with_type(4).embed_from(some_ids(12)), Status::unsupported, {"4", "classifier"});
}

TEST_CASE("an encoder has no sessions, and says what to use; what it does not run is refused") {
  const test::TempFolder folder;
  const Model model = open_model(test::write_random_model(model_of("bert"), folder / "m.gguf"));
  const auto session = model.session();
  REQUIRE_FALSE(session);
  CHECK(session.error().status() == Status::unsupported);
  CHECK(session.error().message().find("is an encoder") != std::string::npos);
  CHECK(session.error().message().find("hearth embed") != std::string::npos);

  test::ModelEditor windowed(model_of("bert")), second(model_of("jina-bert-v2")), far(model_of("jina-bert-v2"));
  windowed.set("bert.attention.sliding_window", std::uint32_t{64});
  far.set("jina-bert-v2.context_length", std::uint32_t{1} << 25);
  auto norm = second.tensor("blk.0.attn_output_norm.weight");
  norm.name = "blk.0.attn_norm_2.weight";
  second.add(norm);
  for (const auto& [editor, word] :
       {std::pair{&windowed, "sliding_window"}, {&second, "attn_norm_2"}, {&far, "2^24"}}) {
    REQUIRE(editor->write(folder / "bad.gguf") > 0);
    const auto bad = Model::open(folder / "bad.gguf");
    REQUIRE_FALSE(bad);
    INFO(bad.error().message());
    CHECK(bad.error().message().find(word) != std::string::npos);
  }
}

TEST_CASE("a decoder whose file says that it is not causal embeds as an encoder does") {
  const test::TempFolder folder;
  test::ModelEditor editor(model_of("qwen3"));
  REQUIRE(editor.set("qwen3.attention.causal", false).write(folder / "m.gguf") > 0);
  const Model model = open_model(folder / "m.gguf");
  CHECK(model.info().encoder);
  Ids ids = some_ids(40);
  const EmbedOptions first{.pooling = Pooling::cls};
  const Vector before = must(model.embed_from(ids, first));
  ids.back() ^= 1;
  CHECK_FALSE(same_bits(before, must(model.embed_from(ids, first))));
}

TEST_CASE("an encoder whose file says that it is causal is not benched beyond its table of positions") {
  const test::TempFolder folder;
  test::ModelEditor editor(model_of("bert"));
  REQUIRE(editor.set("bert.attention.causal", true).write(folder / "m.gguf") > 0);
  const Model model = open_model(folder / "m.gguf");
  const std::int64_t all = model.info().n_ctx_train;
  tools::BenchOptions options{.n_prompt = 1, .n_generate = 2, .reps = 1};
  options.depths = {all - 2};
  CHECK(tools::bench(model, {}, options));
  for (const std::int64_t depth : {all - 1, std::int64_t{100000}}) {
    options.depths = {depth};
    const auto report = tools::bench(model, {}, options);
    REQUIRE_FALSE(report);
    CHECK(report.error().status() == Status::invalid_argument);
    CHECK(report.error().message().find("a table of " + std::to_string(all)) != std::string::npos);
  }
}

TEST_CASE("families: the rows and the embeddings of the references") {
  // The references are float32 of torch, this is float32 in another order: a few 1e-6 of the largest value, as for logits.
  constexpr double kShare = 2e-5;
  const test::TempFolder folder;
  std::size_t n = 0;
  for (const test::GoldenModel& golden : test::golden_models()) {
    if (golden.pooling.empty()) continue;
    ++n;
    INFO(golden.name);
    const Model model = open_model(test::converted(golden, folder / "m.gguf"));
    const auto check = [&](const char* file, const EmbedOptions& options) {
      const Vector reference = test::read_npy(golden.folder / file);
      const Vector embedding = must(model.embed_from(golden.tokens, options));
      REQUIRE(embedding.size() == reference.size());
      double worst = 0, largest = 0;
      for (std::size_t i = 0; i < reference.size(); ++i) {
        worst = std::max(worst, std::fabs(static_cast<double>(embedding[i]) - static_cast<double>(reference[i])));
        largest = std::max(largest, std::fabs(static_cast<double>(reference[i])));
      }
      INFO(file << ": off by " << worst << " of " << largest);
      CHECK(worst < kShare * largest);
    };
    check("token_outputs.npy", {.pooling = Pooling::none, .normalise = false, .kv = Kv::f32});
    const Pooling named = golden.pooling == "mean"  ? Pooling::mean
                          : golden.pooling == "cls" ? Pooling::cls
                                                    : Pooling::last;
    check("embedding.npy", {.pooling = named, .kv = Kv::f32});
    check("embedding.npy", {.kv = Kv::f32});  // the file says the same
  }
  CHECK(n >= 4);
}

TEST_CASE("all-MiniLM-L6-v2: sentences have the vectors that sentence-transformers gives them") {
  const char* named = std::getenv("HEARTH_MINILM");
  const std::filesystem::path path = named ? std::filesystem::path(named) : test::data_folder() / "minilm.gguf";
  HEARTH_NEEDS_TEST_DATA(path);
  const std::filesystem::path golden = std::filesystem::path(HEARTH_SOURCE_DIR) / "tests/golden/minilm";
  std::vector<std::string> texts;
  std::istringstream lines(test::read_file(golden / "texts.txt"));
  for (std::string line; std::getline(lines, line);) texts.push_back(line);
  const Vector reference = test::read_npy(golden / "vectors.npy");
  REQUIRE(reference.size() == texts.size() * 384);

  const Model model = open_model(path);
  std::size_t at = 0;
  double worst = 0, least_cosine = 1;
  auto done = model.embed(texts, {.kv = Kv::f32}, [&](std::span<const float> embedding) {
    double cosine = 0;
    for (const float x : embedding) {
      const float r = reference[at++];
      worst = std::max(worst, std::fabs(static_cast<double>(x) - static_cast<double>(r)));
      cosine += static_cast<double>(x) * static_cast<double>(r);
    }
    least_cosine = std::min(least_cosine, cosine);
    return true;
  });
  if (!done) FAIL(done.error().message());
  CHECK(at == reference.size());
  INFO("largest difference " << worst << ", least cosine " << least_cosine);
  // Of a file of floats. Elements are of size 0.05; torch's float32 sums differ among its own versions by some 1e-7.
  CHECK(worst < 2e-6);
  CHECK(least_cosine > 1 - 1e-6);
}

}  // namespace embed_test
