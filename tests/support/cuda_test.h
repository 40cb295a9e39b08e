// What the tests of the GPU's kernels share: they run where there is a device, be it the host that plays one.
#pragma once

#include <cstring>

#include "kernel_table.h"
#include "support/catch.hpp"
#include "support/on_device.h"
#include "support/random_weights.h"
#include "tables.h"

namespace hearth::test {

inline std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

inline bool no_device() {
  if (kernels::cuda::device_count() != 0) return false;
  WARN("SKIPPED: no CUDA device");
  return true;
}

template <class T> bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

/// Random rows with their blocks.
struct Tokens {
  std::int64_t n, k;
  std::vector<float> x;
  std::vector<kernels::QBlock> q;

  Tokens(Rng& rng, std::int64_t rows, std::int64_t width) : n(rows), k(width) {
    x = random_floats(rng, size(n * k), 3.0f);
    q.resize(size(n * kernels::q_stride(k)));
    for (std::int64_t i = 0; i < n; ++i) kernels::table_scalar.quantize_row(q_row(i), x_row(i), k);
  }
  float* x_row(std::int64_t i) { return x.data() + i * k; }
  const float* x_row(std::int64_t i) const { return x.data() + i * k; }
  kernels::QBlock* q_row(std::int64_t i) { return q.data() + i * kernels::q_stride(k); }
  const kernels::QBlock* q_row(std::int64_t i) const { return q.data() + i * kernels::q_stride(k); }
};

/// The same in device memory, or rows to be written.
struct DeviceTokens {
  OnDevice<float> x;
  OnDevice<kernels::QBlock> q;
  kernels::cuda::Input input;

  explicit DeviceTokens(const Tokens& t)
      : x(t.x), q(t.q), input{{x.data(), t.n, t.k, t.k}, q.data(), kernels::q_stride(t.k)} {}
  DeviceTokens(std::int64_t n, std::int64_t k)
      : x(size(n * k)), q(size(n * kernels::q_stride(k))), input{{x.data(), n, k, k}, q.data(), kernels::q_stride(k)} {}
};

/// Rows of one width, one behind the other.
inline kernels::cuda::Rows rows(const OnDevice<float>& memory, std::int64_t n, std::int64_t width) {
  return {memory.data(), n, width, width};
}

/// Where a pass was first not finite.
struct DeviceWatch {
  OnDevice<unsigned long long> first{std::vector<unsigned long long>{~0ull}};
  kernels::cuda::Watch at(unsigned long long place) const { return {first.data(), place}; }
  unsigned long long noted() const { return first.values()[0]; }
};

}  // namespace hearth::test
