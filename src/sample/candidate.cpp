// Enters: candidates in order of id. Leaves: the same, best first.
#include "candidate.h"

#include <algorithm>
#include <array>

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
  constexpr unsigned digit_bits = 11;
  constexpr std::uint32_t digit_mask = (1u << digit_bits) - 1;
  space.resize(candidates.size());
  for (unsigned shift = 0; shift < 32; shift += digit_bits) {
    std::array<std::size_t, digit_mask + 2> begin{};
    for (const Candidate c : candidates) ++begin[(c.rank() >> shift & digit_mask) + 1];
    for (std::size_t d = 1; d < begin.size(); ++d) begin[d] += begin[d - 1];
    for (const Candidate c : candidates) space[begin[c.rank() >> shift & digit_mask]++] = c;
    candidates.swap(space);
  }
}

}  // namespace hearth::sample
