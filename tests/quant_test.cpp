// The plain quantizer: what it writes reads back near what it was given, for every format, by the definition's own reader.
#include <cmath>
#include <limits>
#include <vector>

#include "kernel_table.h"
#include "quantize_row.h"
#include "requantize.h"
#include "support/catch.hpp"
#include "support/random_weights.h"

namespace quant_test {

using namespace hearth;
using kernels::Format;

namespace {

// Bits of a code (the mantissa's for floats); an error of more than a step is a wrong layout, not rounding.
double relative_step(Format format) {
  switch (format) {
    case Format::f32:
      return 0;
    case Format::f16:
      return 0x1p-11;
    case Format::bf16:
      return 0x1p-8;
    case Format::q8_0:
      return 1.0 / 127;
    case Format::q6_k:
      return 1.0 / 31;
    case Format::q5_0:
    case Format::q5_1:
    case Format::q5_k:
      return 1.0 / 15;
    case Format::q4_0:
    case Format::q4_1:
    case Format::q4_k:
      return 1.0 / 7;
    case Format::iq4_nl:
    case Format::iq4_xs:
      return 24.0 / 127;  // the widest gap of the code book
    case Format::mxfp4:
      return 4.0 / 12 * 2;  // the widest gap, and a scale that is a power of two
    case Format::q3_k:
      return 1.0 / 3;
    case Format::q2_k:
      return 2.0 / 3;
  }
  return 0;
}

/// A file that reads what a writer writes.
struct Written {
  std::vector<std::byte> bytes;
  gguf::File file;
};

Written written(const gguf::Writer& writer) {
  auto bytes = writer.to_bytes();
  REQUIRE(bytes);
  auto file = gguf::File::parse(*bytes);
  REQUIRE(file);
  return {std::move(*bytes), std::move(*file)};  // bytes stay where they are when their vector moves
}

}  // namespace

TEST_CASE("quantize_row: values come back within the format's step") {
  test::Rng rng(21);
  for (const kernels::FormatInfo& info : kernels::kFormats)
    for (const float size : {1e-3f, 1.0f, 100.0f}) {
      const std::int64_t k = 512;
      const std::vector<float> x = test::random_floats(rng, static_cast<std::size_t>(k), size);
      std::vector<std::byte> row(kernels::row_bytes(info, k));
      std::vector<float> back(x.size());
      quant::quantize_row(info.format, row.data(), x.data(), k);
      kernels::dequantize_row(info.format, back.data(), row.data(), k);
      for (std::size_t i = 0; i < x.size(); ++i) {
        INFO(info.name << " size=" << size << " i=" << i << " x=" << x[i] << " back=" << back[i]);
        REQUIRE(std::fabs(x[i] - back[i]) <= relative_step(info.format) * size * 1.01);
      }
    }
}

TEST_CASE("quantize_row: a row of zeros stays zero") {
  for (const kernels::FormatInfo& info : kernels::kFormats) {
    const std::vector<float> x(256, 0.0f);
    std::vector<std::byte> row(kernels::row_bytes(info, 256));
    std::vector<float> back(256, 1.0f);
    quant::quantize_row(info.format, row.data(), x.data(), 256);
    kernels::dequantize_row(info.format, back.data(), row.data(), 256);
    INFO(info.name);
    CHECK(back == x);
  }
}

TEST_CASE("quantize_row: what is not finite, or too large for the format, is told") {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const auto holds = [](const kernels::FormatInfo& info, float value) {
    std::vector<float> x(512, 0.5f);
    x[300] = value;
    std::vector<std::byte> row(kernels::row_bytes(info, 512));
    return quant::quantize_row(info.format, row.data(), x.data(), 512);
  };
  for (const kernels::FormatInfo& info : kernels::kFormats) {
    INFO(info.name);
    const bool wide = info.format == Format::f32 || info.format == Format::bf16 || info.format == Format::mxfp4;
    for (const float sound : {0.0f, -0.0f, 1e-45f, -65519.0f}) CHECK(holds(info, sound));
    for (const float broken : {nan, -nan, inf, -inf}) CHECK_FALSE(holds(info, broken));
    for (const float large : {65520.0f, -1e30f, 0x1.fcp+127f}) CHECK(holds(info, large) == wide);
    CHECK(holds(info, -0x1.fffffep+127f) == (wide && info.format != Format::bf16));
  }
}

TEST_CASE("quantize_row: values so small that their scale vanishes become zero") {
  for (const kernels::FormatInfo& info : kernels::kFormats) {
    if (info.format == Format::f32 || info.format == Format::bf16) continue;
    std::vector<float> x(256, 0.0f);
    x[3] = 1e-40f, x[200] = -1e-44f;
    std::vector<std::byte> row(kernels::row_bytes(info, 256));
    std::vector<float> back(256, 1.0f);
    CHECK(quant::quantize_row(info.format, row.data(), x.data(), 256));
    kernels::dequantize_row(info.format, back.data(), row.data(), 256);
    INFO(info.name);
    for (const float value : back) REQUIRE(std::fabs(value) < 1e-37f);
  }
}

TEST_CASE("requantize: a tensor with a value that the new type does not hold is an error that names it") {
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), 7e4f, 2.0f}) {
    std::vector<float> x(64, 1.0f);
    x[40] = value;
    gguf::Writer writer, quantized;
    const std::vector<std::uint64_t> dims = {32, 2};
    writer.add_tensor("blk.0.ffn_up.weight", static_cast<std::uint32_t>(Format::f32), dims,
                      std::as_bytes(std::span(x)));
    const Written source = written(writer);
    REQUIRE(quant::requantize(
        source.file, [](const gguf::Tensor&) { return Format::q8_0; }, quantized));
    const auto bytes = quantized.to_bytes();
    CHECK(static_cast<bool>(bytes) == (value == 2.0f));
    if (!bytes) CHECK(bytes.error().message().find("'blk.0.ffn_up.weight'") != std::string::npos);
  }
}

TEST_CASE("requantize: what it writes is no part of a split model; a name in a message is escaped") {
  const std::vector<float> x(31, 1.0f);
  gguf::Writer writer, quantized;
  writer.add("split.no", std::uint16_t{0});
  writer.add("split.count", std::uint16_t{1});
  writer.add("general.name", "whole");
  const std::vector<std::uint64_t> dims = {31};
  writer.add_tensor("a\x1b[2Jb", static_cast<std::uint32_t>(Format::f32), dims, std::as_bytes(std::span(x)));
  const Written source = written(writer);
  REQUIRE(quant::requantize(
      source.file, [](const gguf::Tensor&) { return std::nullopt; }, quantized));
  const Written whole = written(quantized);
  REQUIRE(whole.file.metadata().size() == 1);
  CHECK(whole.file.metadata()[0].key == "general.name");

  gguf::Writer refused;
  const auto done = quant::requantize(
      source.file, [](const gguf::Tensor&) { return Format::q8_0; }, refused);
  REQUIRE_FALSE(done);
  CHECK(done.error().message().find("'a\\x1b[2Jb'") != std::string::npos);
}

}  // namespace quant_test
