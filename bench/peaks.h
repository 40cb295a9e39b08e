// Enters: a team. Leaves: what this machine can do at most with it: bytes read, int8 and f32 operations a second.
#pragma once

#include <hearth/result.hpp>
#include <string>
#include <vector>

#include "parallel.h"

namespace hearth::bench {

struct IsaPeak {
  std::string isa;
  double dot = 0, fma = 0;  // operations a second, all members together
};

struct Peaks {
  double read_bytes = 0;      // a second; 0: not measured
  std::vector<IsaPeak> isas;  // of the instruction sets that run here; the definition, "scalar", has none

  const IsaPeak* of(const std::string& isa) const;
};

enum class Effort { full, least };  // `least` proves that everything runs; its figures mean nothing

Result<Peaks> measure_peaks(Team& team, Effort effort);

}  // namespace hearth::bench
