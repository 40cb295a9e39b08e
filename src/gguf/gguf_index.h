// Enters: rows that have a name. Leaves: an order by name, in which rows and duplicates are found without hashing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "gguf_reader.h"

namespace hearth::gguf {

inline std::string_view name_of(const KeyValue& row) { return row.key; }
inline std::string_view name_of(const Tensor& row) { return row.name; }

/// Positions in `rows`, by name, then by position.
template <class Row> std::vector<std::size_t> order_by_name(std::span<const Row> rows) {
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const int names = name_of(rows[a]).compare(name_of(rows[b]));
    return names != 0 ? names < 0 : a < b;
  });
  return order;
}

template <class Row>
const Row* find_by_name(std::span<const Row> rows, std::span<const std::size_t> order, std::string_view name) {
  const auto found = std::lower_bound(order.begin(), order.end(), name, [&](std::size_t row, std::string_view wanted) {
    return name_of(rows[row]) < wanted;
  });
  return found != order.end() && name_of(rows[*found]) == name ? &rows[*found] : nullptr;
}

/// The first row, in the rows' own order, whose name an earlier row has: {earlier, row}.
template <class Row>
std::optional<std::pair<std::size_t, std::size_t>> first_duplicate(std::span<const Row> rows,
                                                                   std::span<const std::size_t> order) {
  std::optional<std::pair<std::size_t, std::size_t>> first;
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (name_of(rows[order[i - 1]]) != name_of(rows[order[i]])) continue;
    if (!first || order[i] < first->second) first = {order[i - 1], order[i]};
  }
  return first;
}

}  // namespace hearth::gguf
