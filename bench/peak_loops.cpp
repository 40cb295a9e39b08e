// Compiled once per instruction set, like kernels/instantiate.cpp: leaves that set's loops.
#include "peak_loops.h"

#include "isa.h"

namespace hearth::kernels::HEARTH_ISA {
namespace {

// Chains that do not wait for one another: enough for two units of five cycles' latency, few enough to stay in registers.
constexpr int kChains = Isa::kRegisters == 1 ? 12 : 10 / Isa::kRegisters;
constexpr int kDots = 8;  // in a step of a set without VNNI: as many products of small codes as 16 bits hold
constexpr std::int64_t kFmaOperations = 2 * 16 * kChains, kDotOperations = 2 * 64 * kChains;

/// Chains begin differently: equal ones would be computed once.
template <class T> struct Beginnings {
  alignas(64) T lane[16 * kChains];
  Beginnings() {
    for (int i = 0; i < 16 * kChains; ++i) lane[i] = static_cast<T>(i);
  }
};

float fma_loop(std::int64_t steps) {
  const Beginnings<float> beginnings;
  Isa::F chain[kChains];
  const Isa::F a = Isa::set1(0.5f), b = Isa::set1(1.0f);
  HEARTH_UNROLL  // a loop that stays one would keep the chains in memory
  for (int n = 0; n < kChains; ++n) chain[n] = Isa::load(beginnings.lane + 16 * n);
  for (std::int64_t s = 0; s < steps; ++s) {
    HEARTH_UNROLL
    for (int n = 0; n < kChains; ++n) chain[n] = Isa::fma(chain[n], a, b);
  }
  float sum = 0.0f;
  HEARTH_UNROLL
  for (int n = 0; n < kChains; ++n) sum += Isa::fold(chain[n]);
  return sum;
}

/// S is always Isa: naming it as a parameter lets the branch that an instruction set lacks go uncompiled.
template <class S> struct DotLoop {
  static std::int32_t run(std::int64_t steps) {
    constexpr int kSums = S::kVnni ? kChains : 2;
    const Beginnings<std::int32_t> beginnings;
    typename S::I chain[kSums], w = S::set1_i(0x01010101), x = S::set1_i(0x01ff01ff);
    HEARTH_UNROLL
    for (int n = 0; n < kSums; ++n) chain[n] = S::load_i(beginnings.lane + 16 * n);
    for (std::int64_t s = 0; s < steps; ++s) {
      HEARTH_UNROLL
      for (int n = 0; n < kSums; ++n) {
        if constexpr (S::kVnni) {
          chain[n] = S::dot(chain[n], w, x);
        } else {
          typename S::I part = S::zero_i();
          HEARTH_UNROLL
          for (int d = 0; d < kDots; ++d) {
            S::pin(w);  // a product of the same two registers would leave the loop
            part = S::add16(part, S::template products16<false>(w, x));
            S::pin(part);  // gcc would regroup the sums, and spill
          }
          chain[n] = S::add_i(chain[n], S::widened(part));
        }
      }
    }
    std::int32_t sum = 0;
    HEARTH_UNROLL
    for (int n = 0; n < kSums; ++n) sum += S::reduce_add_i(chain[n]);
    return sum;
  }
  static constexpr std::int64_t kOperations = S::kVnni ? kDotOperations : 2 * 64 * 2 * kDots;
};

#if defined(__AMX_INT8__)
/// The tile unit: four sums of 16 x 16, each over 64 bytes.
template <> struct DotLoop<Isa> {
  static std::int32_t run(std::int64_t steps) {
    TileUnit::configure<64>();
    for (std::int64_t s = 0; s < steps / kShare; ++s)
      asm volatile(
          "tdpbssd %tmm5, %tmm4, %tmm0\n\t"
          "tdpbssd %tmm5, %tmm4, %tmm1\n\t"
          "tdpbssd %tmm5, %tmm4, %tmm2\n\t"
          "tdpbssd %tmm5, %tmm4, %tmm3");
    TileUnit::release();
    return 0;
  }
  static constexpr std::int64_t kShare = 16;  // a step of the other loops takes a sixteenth of the time
  static constexpr std::int64_t kOperations = 4 * 2 * 16 * 16 * 64 / kShare;
};
#endif

}  // namespace
}  // namespace hearth::kernels::HEARTH_ISA

namespace hearth::bench {

#define HEARTH_JOIN_(a, b) a##b
#define HEARTH_JOIN(a, b) HEARTH_JOIN_(a, b)
#define HEARTH_TEXT_(a) #a
#define HEARTH_TEXT(a) HEARTH_TEXT_(a)

using Dot = kernels::HEARTH_ISA::DotLoop<kernels::HEARTH_ISA::Isa>;
const PeakLoops HEARTH_JOIN(peak_loops_, HEARTH_ISA) = {HEARTH_TEXT(HEARTH_ISA), kernels::HEARTH_ISA::kFmaOperations,
                                                        Dot::kOperations, kernels::HEARTH_ISA::fma_loop, Dot::run};

}  // namespace hearth::bench
