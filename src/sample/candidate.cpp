// Enters: candidates in order of id. Leaves: the same, best first.
#include "candidate.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "canonical_math.h"

namespace hearth::sample {
namespace {

constexpr std::uint32_t sign_bit = 0x80000000u;

}  // namespace

/// Positive floats order as their bits do, negative ones the other way round. Adding +0 makes -0 and +0 one value.
Candidate::Candidate(float logit, std::int32_t id) {
  const std::uint32_t bits = kernels::bits_of(logit + 0.0f);
  const std::uint32_t descending = bits & sign_bit ? bits : bits ^ ~sign_bit;
  key_ = std::uint64_t{descending} << 32 | static_cast<std::uint32_t>(id);
}

float Candidate::logit() const {
  const std::uint32_t descending = rank();
  return kernels::float_of(descending & sign_bit ? descending : descending ^ ~sign_bit);
}

void select_first(std::vector<Candidate>& candidates, std::size_t k) {
  if (k < candidates.size()) {
    std::nth_element(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(k), candidates.end());
    candidates.resize(k);
  }
  std::sort(candidates.begin(), candidates.end());
}

/// A stable radix sort, lowest digit first: equal logits stay in order of id, so the id needs no pass of its own.
void sort_all(std::vector<Candidate>& candidates, std::vector<Candidate>& space) {
  constexpr std::size_t small = 512;  // below, a comparison sort is faster than clearing the counters
  if (candidates.size() < small) return std::sort(candidates.begin(), candidates.end());
  constexpr unsigned digit_bits = 11, n_digits = 3;
  constexpr std::uint32_t n_values = 1u << digit_bits;
  const auto digit = [](Candidate c, unsigned d) { return c.rank() >> d * digit_bits & (n_values - 1); };
  std::array<std::array<std::uint32_t, n_values>, n_digits> begin{};  // counts, then where each value's candidates go
  for (const Candidate c : candidates)
    for (unsigned d = 0; d < n_digits; ++d) ++begin[d][digit(c, d)];
  space.resize(candidates.size());
  for (unsigned d = 0; d < n_digits; ++d) {
    std::exclusive_scan(begin[d].begin(), begin[d].end(), begin[d].begin(), 0u);
    for (const Candidate c : candidates) space[begin[d][digit(c, d)]++] = c;
    candidates.swap(space);
  }
}

}  // namespace hearth::sample
