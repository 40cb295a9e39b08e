// Enters: candidates. Leaves: the same in the one order that every running sum follows: logit descending, ties to the
// lower id.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hearth::sample {

/// A token and its logit in one number: candidates compare as integers, no two are equal, so that every way of sorting
/// or selecting gives the same order.
class Candidate {
 public:
  Candidate() = default;
  Candidate(float logit, std::int32_t id);  // logit is not NaN

  float logit() const;
  std::int32_t id() const { return static_cast<std::int32_t>(static_cast<std::uint32_t>(key_)); }
  std::uint32_t rank() const { return static_cast<std::uint32_t>(key_ >> 32); }  // 0 would be the best

  friend bool operator<(Candidate a, Candidate b) { return a.key_ < b.key_; }  // a comes first

 private:
  std::uint64_t key_ = 0;
};

/// Keeps the first `k` candidates, in order.
void select_first(std::vector<Candidate>& candidates, std::size_t k);

/// Puts all candidates, given in order of id, into their order. Linear: three passes over the bits of the logit.
void sort_all(std::vector<Candidate>& candidates, std::vector<Candidate>& space);

}  // namespace hearth::sample
