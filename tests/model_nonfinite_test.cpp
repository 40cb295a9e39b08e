// Weights that are not finite, huge, subnormal, all zeros or all ones (BADINPUT.md, H16): the model loads, and running it ends in an
// error that names the step or in finite logits and ids of the vocabulary, the same on every instruction set.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <hearth/hearth.hpp>
#include <limits>

#include "dispatch.h"
#include "support/catch.hpp"
#include "support/random_model.h"
#include "support/test_data.h"

namespace model_nonfinite_test {

using namespace hearth;
using test::ModelEditor;

namespace {

const float kNan = std::nanf("");
const float kInf = std::numeric_limits<float>::infinity();

std::vector<std::string> isas_here() {
  std::vector<std::string> names;
  for (const kernels::KernelTable* table : kernels::runnable()) names.push_back(table->name);
  return names;
}

/// What a run came to: the tokens and the last logits' hash, or the error.
struct Outcome {
  bool finite = false;
  Status status = Status::ok;
  std::string message;
  std::vector<std::int32_t> tokens;
  std::uint64_t hash = 0;
  bool operator==(const Outcome&) const = default;
};

Outcome run(const std::string& path, const std::string& isa, Weights weights) {
  auto model = Model::open(path, {.threads = 2, .isa = isa, .weights = weights});
  if (!model) FAIL(model.error().message());  // loading stays lazy
  auto session = model->session({.n_ctx = 64});
  if (!session) FAIL(session.error().message());
  const std::vector<std::int32_t> prompt = {1, 70, 71};
  const auto reply = session->generate_from(prompt, {.max_tokens = 6, .sampling = {.temp = 0.8f}});
  Outcome o;
  o.finite = static_cast<bool>(reply);
  if (reply) {
    o.tokens = reply->tokens, o.hash = reply->logits_hash;
    for (const std::int32_t id : o.tokens) CHECK((id >= 0 && id < model->info().n_vocab));
  } else {
    o.status = reply.error().status(), o.message = reply.error().message();
    CHECK(o.status == Status::non_finite);
    CHECK(o.message.find('\n') == std::string::npos);
    CHECK((o.message.find("layer") != std::string::npos || o.message.find("position") != std::string::npos));
  }
  return o;
}

/// One outcome for every instruction set and layout, which is returned: of the model with one tensor edited, which is then put back.
template <class Edit> Outcome outcome(ModelEditor& model, const std::string& name, Edit edit) {
  const test::TempFolder folder;
  const std::string path = folder / "m.gguf";
  const ModelEditor::Tensor sound = model.tensor(name);
  edit(model.tensor(name));
  REQUIRE(model.write(path) > 0);
  model.tensor(name) = sound;
  const Outcome first = run(path, "scalar", Weights::file);
  for (const std::string& isa : isas_here())
    for (const Weights weights : {Weights::file, Weights::repacked}) {
      const Outcome other = run(path, isa, weights);
      INFO(isa << ": " << other.message << " where scalar has: " << first.message);
      CHECK((other == first));
    }
  return first;
}

test::RandomModel model_of(kernels::Format format) {
  test::RandomModel m;
  m.format = format, m.n_layer = 1;
  return m;
}

/// The scale of one block in the middle of a row, as the format stores it; float formats: one weight.
void put_scale(ModelEditor::Tensor& t, float value) {
  const std::size_t row = t.bytes.size() / t.dims[1];
  std::byte* at = t.bytes.data() + 5 * row;
  const std::uint16_t half = kernels::f32_to_f16(value), bf16 = kernels::f32_to_bf16(value);
  if (t.type == 0) std::memcpy(at, &value, 4);
  else std::memcpy(at, t.type == 30 ? &bf16 : &half, 2);
}

/// Formats whose block begins with its f16 scale, and the float ones; the rest follow the same four matmul kinds.
const std::vector<kernels::Format>& formats() {
  using kernels::Format;
  static const std::vector<Format> all = {Format::f32, Format::f16, Format::bf16, Format::q4_0, Format::q8_0};
  return all;
}

}  // namespace

TEST_CASE("H16: a scale that is NaN or infinite ends in an error that names the step, wherever it stands") {
  for (const kernels::Format format : formats()) {
    ModelEditor model(model_of(format));
    for (const char* name :
         {"blk.0.attn_q.weight", "blk.0.attn_k.weight", "blk.0.attn_v.weight", "blk.0.attn_output.weight",
          "blk.0.ffn_gate.weight", "blk.0.ffn_up.weight", "blk.0.ffn_down.weight", "output.weight"})
      for (const float value : {kNan, kInf, -kInf}) {
        const Outcome o = outcome(model, name, [&](ModelEditor::Tensor& t) { put_scale(t, value); });
        INFO(name << " type " << static_cast<int>(format) << " scale " << value << ": " << o.message);
        CHECK_FALSE(o.finite);
        const bool head = std::string_view(name) == "output.weight";
        CHECK(o.message.find(head ? "logits are not finite; position 2" : "layer") != std::string::npos);
      }
  }
}

TEST_CASE("H16: a logit that is infinite is an error under a soft cap too") {
  test::RandomModel m = model_of(kernels::Format::f32);
  m.arch = "gemma2", m.soft_caps = true;
  ModelEditor model(m);
  for (const float value : {kNan, kInf, -kInf}) {
    const Outcome o = outcome(model, "output.weight", [&](ModelEditor::Tensor& t) { put_scale(t, value); });
    INFO(value << ": " << o.message);
    CHECK_FALSE(o.finite);
    CHECK(o.message.find("logits are not finite; position 2") != std::string::npos);
  }
}

TEST_CASE("H16: an embedding row that is not finite matters only to the token that it belongs to") {
  for (const kernels::Format format : formats()) {
    ModelEditor model(model_of(format));
    const auto with_bad_row = [&](std::size_t token) {
      return outcome(model, "token_embd.weight", [token](ModelEditor::Tensor& t) {
        const std::size_t row = t.bytes.size() / t.dims[1];
        std::fill_n(t.bytes.begin() + static_cast<std::ptrdiff_t>(token * row), 4, std::byte{0xFF});
      });
    };
    CHECK_FALSE(with_bad_row(70).finite);
    const Outcome unused = with_bad_row(287);
    INFO(unused.message);
    CHECK((unused.finite || unused.status == Status::non_finite));  // 287 may be drawn, then it is an error
  }
}

TEST_CASE("H16: norms that are not finite are an error in their layer") {
  ModelEditor model(model_of(kernels::Format::q8_0));
  for (const char* name : {"blk.0.attn_norm.weight", "blk.0.ffn_norm.weight", "output_norm.weight"})
    for (const float value : {kNan, kInf}) {
      const Outcome o =
          outcome(model, name, [&](ModelEditor::Tensor& t) { std::memcpy(t.bytes.data() + 8, &value, 4); });
      INFO(name);
      CHECK(o.status == Status::non_finite);
    }
}

TEST_CASE("H16: the largest and the smallest scales give finite logits or an error, one answer") {
  for (const kernels::Format format : formats()) {
    ModelEditor model(model_of(format));
    for (const char* name :
         {"token_embd.weight", "blk.0.attn_k.weight", "blk.0.attn_v.weight", "blk.0.ffn_up.weight", "output.weight"})
      for (const float value : {65504.0f, -65504.0f, 0x1p-24f, 0x1p-130f, 0.0f}) {
        const Outcome o = outcome(model, name, [&](ModelEditor::Tensor& t) { put_scale(t, value); });
        if (std::fabs(value) < 1) CHECK(o.finite);
      }
  }
}

TEST_CASE("H16: every weight zero, every bit one, in every format") {
  for (const kernels::FormatInfo& info : kernels::kFormats) {
    test::RandomModel wide = model_of(info.format);
    if (info.block_elements == 256) wide.dim = 256, wide.ffn_dim = 256;
    ModelEditor model(wide);
    for (const unsigned char fill : {0x00, 0xFF})
      for (const char* name : {"token_embd.weight", "blk.0.attn_v.weight", "output.weight"}) {
        const Outcome o = outcome(
            model, name, [&](ModelEditor::Tensor& t) { std::fill(t.bytes.begin(), t.bytes.end(), std::byte{fill}); });
        INFO(name << " " << info.name << " fill " << int{fill} << ": " << o.message);
        CHECK(o.finite == (fill == 0));  // an all-ones scale is a NaN in every format
      }
  }
}

}  // namespace model_nonfinite_test
