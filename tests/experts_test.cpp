// Mixtures of experts through the whole pass: one expert is a dense model, experts that are alike add up to one, experts that no
// row visits are not read.
#include <cmath>
#include <cstring>
#include <hearth/hearth.hpp>

#include "support/catch.hpp"
#include "support/random_model.h"
#include "support/test_data.h"

namespace experts_test {

using namespace hearth;
using test::ModelEditor;

namespace {

constexpr std::uint32_t kF32 = 0;

/// Logits of 40 tokens, decoded one by one or in one pass: the same bits.
std::vector<float> logits_of(const ModelEditor& editor) {
  const test::TempFolder folder;
  const std::string path = folder / "m.gguf";
  REQUIRE(editor.write(path) > 0);
  auto model = Model::open(path, {.threads = 2});
  if (!model) FAIL(model.error().message());
  std::vector<float> answers[2];
  for (const std::int64_t chunk : {1, 64}) {
    auto session = model->session({.chunk = chunk});
    REQUIRE(session);
    std::vector<std::int32_t> ids;
    for (std::int32_t i = 0; i < 40; ++i) ids.push_back(3 + i * 37 % 280);
    auto done = session->evaluate(ids, [&](std::span<const float> logits) {
      answers[chunk == 1].insert(answers[chunk == 1].end(), logits.begin(), logits.end());
      return true;
    });
    if (!done) FAIL(done.error().message());
  }
  CHECK(answers[0] == answers[1]);
  return answers[0];
}

test::RandomModel dense_model(kernels::Format format) {
  test::RandomModel m;
  m.format = format, m.seed = 31;
  return m;
}

/// The dense model with `n` experts that all are its feed-forward, and a router of zeros: every score ties.
void multiply_experts(ModelEditor& m, std::uint32_t n, std::uint32_t n_used) {
  m.set("llama.expert_count", n).set("llama.expert_used_count", n_used);
  for (const std::string layer : {"blk.0.", "blk.1."}) {
    for (const char* part : {"ffn_gate", "ffn_up", "ffn_down"}) {
      ModelEditor::Tensor one = m.tensor(layer + part + ".weight");
      ModelEditor::Tensor all{layer + part + "_exps.weight", one.type, {one.dims[0], one.dims[1], n}, {}};
      for (std::uint32_t e = 0; e < n; ++e) all.bytes.insert(all.bytes.end(), one.bytes.begin(), one.bytes.end());
      m.drop(one.name).add(all);
    }
    m.add({layer + "ffn_gate_inp.weight", kF32, {64, n}, std::vector<std::byte>(std::size_t{64} * n * 4)});
  }
}

}  // namespace

TEST_CASE("one expert is the dense model, to the bit; so are two of four that are alike, at half the weight each") {
  for (const kernels::Format format : {kernels::Format::f32, kernels::Format::q8_0}) {
    const std::vector<float> dense = logits_of(ModelEditor(dense_model(format)));
    ModelEditor one(dense_model(format)), four(dense_model(format));
    multiply_experts(one, 1, 1);
    multiply_experts(four, 4, 2);
    CHECK(logits_of(one) == dense);
    CHECK(logits_of(four) == dense);
  }
}

TEST_CASE("an expert that no row visits is not read: what it holds does not matter") {
  ModelEditor m(dense_model(kernels::Format::f32));
  multiply_experts(m, 4, 2);
  const std::vector<float> expected = logits_of(m);
  for (const char* part : {"ffn_gate", "ffn_up", "ffn_down"}) {
    std::vector<std::byte>& bytes = m.tensor("blk.1." + std::string(part) + "_exps.weight").bytes;
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / 2), bytes.end(), std::byte{0xFF});  // 2 and 3
  }
  CHECK(logits_of(m) == expected);
}

TEST_CASE("a router that is not finite ends in an error that names it") {
  test::RandomModel sound;
  sound.n_expert = 4;
  for (const float value : {std::nanf(""), INFINITY}) {
    ModelEditor m(sound);
    std::memcpy(m.tensor("blk.0.ffn_gate_inp.weight").bytes.data() + 20, &value, 4);
    const test::TempFolder folder;
    const std::string path = folder / "m.gguf";
    REQUIRE(m.write(path) > 0);
    auto model = Model::open(path, {.threads = 2});
    REQUIRE(model);
    auto session = model->session();
    REQUIRE(session);
    const std::vector<std::int32_t> ids = {1, 70, 71};
    const auto done = session->evaluate(ids, [](std::span<const float>) { return true; });
    REQUIRE_FALSE(done);
    CHECK(done.error().status() == Status::non_finite);
    CHECK(done.error().message().find("layer 0, choice of experts") != std::string::npos);
  }
}

}  // namespace experts_test
