// Enters: this CPU, a name. Leaves: kernel tables.
#include "dispatch.h"

#include <array>

#include "tables.h"

namespace hearth::kernels {

std::span<const KernelTable* const> built() {
  static constexpr std::array tables = {
      &table_scalar,
#ifdef HEARTH_HAS_avx2
      &table_avx2,
#endif
#ifdef HEARTH_HAS_avxvnni
      &table_avxvnni,
#endif
#ifdef HEARTH_HAS_avx512
      &table_avx512,
#endif
#ifdef HEARTH_HAS_amx
      &table_amx,
#endif
  };
  return tables;
}

std::vector<const KernelTable*> runnable() {
  std::vector<const KernelTable*> tables;
  for (const KernelTable* table : built())
    if (table->runs_here()) tables.push_back(table);
  return tables;
}

const KernelTable& best() { return *runnable().back(); }

const KernelTable* find(std::string_view name) {
  for (const KernelTable* table : built())
    if (table->name == name) return table;
  return nullptr;
}

}  // namespace hearth::kernels
