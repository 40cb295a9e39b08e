// Enters: the lists that the host makes for a pass. Leaves: the same lists in device memory, brought there in one transfer.
#include "cuda_tables.h"

#include <algorithm>
#include <cstring>

#include "cuda_device.h"

namespace hearth::backend {
namespace {

namespace cuda = kernels::cuda;

constexpr std::size_t kAlignment = 64;

std::size_t aligned(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }
std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

// Calls visit(first row, end row, list of pages, how many they see) for each text. Its rows stand together, in one tile or in several.
template <class Visit> void for_each_text(const Memory& memory, Visit visit) {
  for (std::size_t tile = 0; tile < memory.tiles.size();) {
    const AttendTile& first = memory.tiles[tile];
    std::size_t end_row = 0;
    for (; tile < memory.tiles.size() && memory.tiles[tile].pages == first.pages; ++tile)
      end_row = size(memory.tiles[tile].first_row + memory.tiles[tile].n_rows);
    std::int64_t end = 0;
    for (std::size_t i = size(first.first_row); i < end_row; ++i) end = std::max(end, memory.places[i].end);
    visit(size(first.first_row), end_row, first.pages, (end + kernels::kPage - 1) / kernels::kPage);
  }
}

}  // namespace

PassLimits CudaTables::limits(const PassTables& t) {
  PassLimits limits{.n_rows = static_cast<std::int64_t>(t.ids[0].size()),
                    .n_parts = static_cast<std::int64_t>(t.memory.size()),
                    .n_used = t.n_used,
                    .n_expert = t.n_expert,
                    .shape = t.shape};
  for (const Rows& angles : t.angles) limits.n_angles += angles.data ? angles.width : 0;
  for (const Memory& memory : t.memory) {
    for_each_text(memory,
                  [&](std::size_t, std::size_t, const std::byte* const*, std::int64_t n) { limits.n_pages += n; });
    for (const RowPlace& place : memory.places) limits.longest = std::max(limits.longest, place.end);
  }
  return limits;
}

std::uint64_t CudaTables::bytes(const PassLimits& l) {
  const std::size_t n = size(l.n_rows);
  return kFailureBytes + 4 * aligned(n * sizeof(std::int32_t)) + aligned(n * sizeof(std::int64_t)) +
         aligned(n * sizeof(Draw)) + 4 * kAlignment + n * size(l.n_angles) * sizeof(float) +
         size(l.n_parts) * (aligned(n * sizeof(cuda::RowPlace)) + aligned(n * sizeof(cuda::AttendTile))) +
         size(l.n_pages) * sizeof(std::byte*);
}

Result<void> CudaTables::reserve(const PassLimits& limits) {
  const std::uint64_t needed = bytes(limits);
  entries_.reserve(9 + 2 * size(limits.n_parts));
  if (needed <= here_.size()) return {};
  here_ = {}, there_ = {};
  HEARTH_TRY(here_, AlignedBuffer<std::byte>::make(needed, heap_.host()));
  HEARTH_TRY(there_, AlignedBuffer<std::byte>::make_unwritten(needed, heap_));
  return {};
}

void CudaTables::fetch_answers(cuda::Stream stream) {
  cuda::copy_to_host(stream, here_.data(), there_.data(), kFailureBytes + n_draws_ * sizeof(std::int32_t));
}

std::byte* CudaTables::add(const void* host, std::size_t bytes) {
  std::byte* const to = here_.data() + end_;
  if (host) entries_.push_back({host, end_});
  end_ += aligned(bytes);
  return to;
}

void CudaTables::bring(cuda::Stream stream, const PassTables& t) {
  entries_.clear();
  end_ = 0;
  const std::size_t n = t.ids[0].size(), answers = kFailureBytes + n * sizeof(std::int32_t);
  std::memset(add(nullptr, answers), 0xff, answers);  // no failure; nothing drawn
  n_draws_ = t.draws.size();
  for (const auto& ids : t.ids) std::memcpy(add(ids.data(), n * sizeof(std::int32_t)), ids.data(), ids.size_bytes());
  std::byte* const wanted =
      add(t.wanted.data(), n * sizeof(std::int64_t));  // room for all, so that what follows stays in place
  if (!t.wanted.empty()) std::memcpy(wanted, t.wanted.data(), t.wanted.size_bytes());
  std::byte* const draws = add(t.draws.data(), n * sizeof(Draw));
  if (!t.draws.empty()) std::memcpy(draws, t.draws.data(), t.draws.size_bytes());
  for (const Rows& angles : t.angles)
    if (const std::size_t bytes = n * size(angles.width) * sizeof(float); angles.data && bytes != 0)
      std::memcpy(add(angles.data, bytes), angles.data, bytes);
  for (const Memory& memory : t.memory) add_places(memory);
  for (const Memory& memory : t.memory) add_pages(memory);  // last: how many there are changes as texts grow
  cuda::copy_to_device(stream, there_.data(), here_.data(), end_);
}

void CudaTables::add_places(const Memory& memory) {
  const std::size_t n = memory.places.size();
  auto* const places = reinterpret_cast<cuda::RowPlace*>(add(memory.places.data(), n * sizeof(cuda::RowPlace)));
  auto* const tiles = reinterpret_cast<cuda::AttendTile*>(add(memory.tiles.data(), n * sizeof(cuda::AttendTile)));
  for (std::size_t i = 0; i < n; ++i)
    places[i] = {memory.places[i].page, memory.places[i].position, memory.places[i].end, nullptr};
  for (std::size_t i = 0; i < memory.tiles.size(); ++i) tiles[i] = {memory.tiles[i].first_row, memory.tiles[i].n_rows};
}

void CudaTables::add_pages(const Memory& memory) {
  auto* const places = reinterpret_cast<cuda::RowPlace*>(here_.data() + offset(memory.places.data()));
  for_each_text(memory, [&](std::size_t begin, std::size_t end, const std::byte* const* pages, std::int64_t n_pages) {
    const std::size_t bytes = size(n_pages) * sizeof *pages;
    std::memcpy(here_.data() + end_, pages, bytes);
    for (std::size_t i = begin; i < end; ++i)
      places[i].pages = reinterpret_cast<const std::byte* const*>(there_.data() + end_);
    end_ += bytes;
  });
}

std::size_t CudaTables::offset(const void* host) const {
  return std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.host == host; })->offset;
}

}  // namespace hearth::backend
