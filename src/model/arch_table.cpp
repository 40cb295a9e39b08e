// THE table of architectures, one row a family.
#include <array>

#include "arch_traits.h"

namespace hearth::model {

using kernels::RopeLayout;

std::span<const ArchTraits> arch_table() {
  static constexpr std::array rows = {
      ArchTraits{.name = "llama", .rope = RopeLayout::adjacent, .bias = Bias::none},
      ArchTraits{.name = "qwen2", .rope = RopeLayout::halves, .bias = Bias::qkv},
  };
  return rows;
}

const ArchTraits* find_arch(std::string_view name) {
  for (const ArchTraits& row : arch_table())
    if (row.name == name) return &row;
  return nullptr;
}

}  // namespace hearth::model
