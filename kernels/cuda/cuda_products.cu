// The verbs that read weights: how many tokens choose the kernel; products of one format share a launch.
#include <algorithm>
#include <iterator>
#include <utility>

#include "cuda_formats.h"
#include "embed.cuh"
#include "products.cuh"

namespace hearth::kernels::cuda {
namespace {

constexpr std::int64_t kFewTokens = 16;   // up to here weights are read again for each eight tokens,
constexpr std::int64_t kSomeTokens = 64;  // up to here once for all, and beyond once for 128

const MatmulKernel& choose(const FormatLaunches& kernels, std::int64_t n_tokens) {
  if (n_tokens == 1) return kernels.one;
  if (n_tokens == 2) return kernels.two;
  if (n_tokens <= kFewTokens) return kernels.few;
  return n_tokens <= kSomeTokens ? kernels.some : kernels.many;
}

int pieces(std::int64_t n, std::int64_t piece) { return static_cast<int>((n + piece - 1) / piece); }

std::int64_t group_bytes(const Matrix& m) {
  return static_cast<std::int64_t>(kGroupRows * row_bytes(format_info(m.format), m.k));
}

/// What is multiplied: rows of an input, or tiles of visits, or heads of rows.
struct Job {
  Input input;
  std::int64_t n_tokens;  // of a tile at most
  std::int64_t n_stacked = 1;
  const Routes* routes = nullptr;
  std::int64_t n_heads = 0;
};

/// Queues the products of one format, at most kMostProducts.
void queue(Stream stream, const Job& job, const Product* const* products, int n) {
  const Matrix& first = products[0]->w;
  const FormatLaunches kernels = launches_of(first.format);
  const MatmulKernel& kernel = choose(kernels, job.n_tokens);
  MatmulLaunch a{};
  int n_blocks = 0;
  for (int i = 0; i < n; ++i) {
    const Matrix& w = products[i]->w;
    a.product[i] = {w.groups,
                    w.bias,
                    products[i]->y.data,
                    static_cast<std::int64_t>(w.stride),
                    products[i]->y.stride,
                    static_cast<int>(w.n_rows),
                    n_blocks};
    n_blocks += pieces(w.n_rows, kernel.rows);
  }
  a.n_products = n;
  a.q = job.input.q;
  a.x = job.input.x.data;
  a.q_stride = job.input.q_stride;
  a.x_stride = job.input.x.stride;
  a.k = first.k;
  a.group_bytes = group_bytes(first);
  a.n_tokens = static_cast<int>(job.n_tokens);
  a.n_heads = static_cast<int>(job.n_heads);
  if (job.routes) {
    a.tiles = job.routes->tiles;
    a.n_tiles = job.routes->n_tiles;
  }
  const dim3 grid{static_cast<unsigned>(n_blocks), static_cast<unsigned>(pieces(job.n_tokens, kernel.tokens)),
                  static_cast<unsigned>(job.n_stacked)};
  launch(stream, kernel.kernel, grid, kernel.threads, kernel.shared_bytes, a);
}

void queue_all(Stream stream, const Job& job, std::span<const Product> products) {
  for (const FormatInfo& info : kFormats) {
    const Product* same[kMostProducts];
    int n = 0;
    for (const Product& p : products) {
      if (p.w.format != info.format) continue;
      same[n++] = &p;
      if (n == kMostProducts) queue(stream, job, same, std::exchange(n, 0));
    }
    if (n != 0) queue(stream, job, same, n);
  }
}

}  // namespace

FormatLaunches launches_of(Format format) {
  static constexpr decltype(&launches_of_group<0>) of[] = {launches_of_group<0>, launches_of_group<1>,
                                                           launches_of_group<2>, launches_of_group<3>};
  static_assert(std::size(of) == kFormatGroups);
  return of[format_index(format) % kFormatGroups](format);
}

std::int64_t route_tile_visits(std::int64_t n_visits, std::int64_t n_expert) {
  if (n_visits <= 4 * n_expert) return std::min<std::int64_t>(n_visits, 8);  // most tiles are not full
  return n_visits <= kSomeTokens / 2 * n_expert ? kSomeTokens : 2 * kSomeTokens;
}

std::int64_t most_route_tiles(std::int64_t n_visits, std::int64_t n_expert) {
  return std::min(n_visits, pieces(n_visits, route_tile_visits(n_visits, n_expert)) + n_expert);
}

void embed(Stream stream, const Matrix& table, const std::int32_t* ids, float scale, bool more, const Rows& x) {
  const EmbedLaunch a{table.groups, ids, x.data, table.k, group_bytes(table), x.stride, scale, more};
  const dim3 grid{static_cast<unsigned>(pieces(table.k, kSpanBlocks * kBlock * kEmbedThreads)),
                  static_cast<unsigned>(x.n), 1};
  launch(stream, launches_of(table.format).embed, grid, kEmbedThreads, 0, a);
}

void matmul(Stream stream, const Input& input, std::span<const Product> products) {
  if (input.x.n != 0) queue_all(stream, {input, input.x.n}, products);
}

void matmul_heads(Stream stream, const Input& x, const Matrix& heads, std::int64_t n_head, const Rows& y) {
  const Product product{heads, y}, *one = &product;
  if (x.x.n != 0) queue(stream, {x, x.x.n / n_head, n_head, nullptr, n_head}, &one, 1);
}

void matmul_experts(Stream stream, const Input& visits, const Routes& routes, std::span<const Product> products) {
  const std::int64_t n = visits.x.n;
  const std::int64_t most =
      n == routes.n_used ? 1 : route_tile_visits(n, routes.n_expert);  // one row: each expert once
  if (n != 0) queue_all(stream, {visits, most, most_route_tiles(n, routes.n_expert), &routes}, products);
}

}  // namespace hearth::kernels::cuda
