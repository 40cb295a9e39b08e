// The plain quantizer: what it writes reads back near what it was given, for every format, by the definition's own reader.
#include <cmath>
#include <vector>

#include "kernel_table.h"
#include "quantize_row.h"
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

}  // namespace quant_test
