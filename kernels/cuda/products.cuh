// What the kernels that multiply share: which matrix a block of threads reads, which rows of the input, where outputs go.
#pragma once

#include "device.cuh"

namespace hearth::kernels::cuda {

inline constexpr int kMostProducts = 3;  // of one launch

struct ProductArgs {
  const std::byte* groups;
  const float* bias;
  float* y;
  std::int64_t stride, y_stride;  // from matrix to matrix of a stack; from row to row of y
  int n_rows, first_block;        // blocks of threads before this product's
};

struct MatmulLaunch {
  ProductArgs product[kMostProducts];
  int n_products;
  const QBlock* q;
  const float* x;
  std::int64_t q_stride, x_stride, k, group_bytes;
  int n_tokens;
  const RouteTile* tiles;       // of a mixture of experts; none: rows 0 … n_tokens-1 and matrix 0
  const std::int32_t* n_tiles;  // [1]
  int n_heads;                  // of matmul_heads, rows are heads and each has a matrix of its own; else 0
};

/// One block's part: `n` rows of the input from `first`, `step` rows apart, times one matrix.
struct Part {
  const ProductArgs* product;
  const std::byte* groups;
  const float* bias;  // [n_rows], or none
  std::int64_t first, step;
  int n, block;  // block of rows within the matrix
  bool any;
};

/// blockIdx.x counts blocks of rows over all products, blockIdx.y pieces of kTokens tokens (of tiles: pieces within the tile),
/// blockIdx.z tiles or heads.
__device__ __forceinline__ Part part_of(const MatmulLaunch& a, int tokens) {
  int p = 0;
  const int x = static_cast<int>(blockIdx.x);
  while (p + 1 < a.n_products && x >= a.product[p + 1].first_block) ++p;
  const ProductArgs& product = a.product[p];
  const int z = static_cast<int>(blockIdx.z), begin = static_cast<int>(blockIdx.y) * tokens;
  int matrix = 0, first = 0, n = a.n_tokens;
  std::int64_t step = 1;
  bool any = true;
  if (a.tiles) {
    any = z < *a.n_tiles;
    const RouteTile tile = any ? a.tiles[z] : RouteTile{0, 0, 0};
    matrix = tile.expert;
    first = tile.first;
    n = tile.n;
  } else if (a.n_heads != 0) {
    matrix = first = z;
    step = a.n_heads;
  }
  n = n - begin < tokens ? n - begin : tokens;
  return {&product,
          product.groups + matrix * product.stride,
          product.bias ? product.bias + static_cast<std::int64_t>(matrix) * product.n_rows : nullptr,
          first + begin * step,
          step,
          n,
          x - product.first_block,
          any && n > 0};
}

/// An output's bias is added last.
__device__ __forceinline__ void put(const Part& part, std::int64_t token, int row, float sum) {
  part.product->y[token * part.product->y_stride + row] = part.bias ? sum + part.bias[row] : sum;
}

}  // namespace hearth::kernels::cuda
