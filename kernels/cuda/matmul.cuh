// Many tokens times a quantized matrix, bound by arithmetic: tiles of rows x tokens, 256 k at a time. Codes are unpacked once to
// signed bytes in shared memory; the tensor cores sum 32 products exactly, and whoever holds an output adds its link in registers.
#pragma once

#include "products.cuh"
#include "weights.cuh"

namespace hearth::kernels::cuda {

inline constexpr int kWarpRows = 32;
inline constexpr int kTokenBytes = 48;  // of a QBlock: codes, scale and sums

/// What a block of threads makes: rows x tokens, by warps of 32 rows each.
template <int Rows, int Tokens, int TokenWarps> struct TileSize {
  static constexpr int kRows = Rows, kTokens = Tokens;
  static constexpr int kRowWarps = kRows / kWarpRows, kWarpTokens = kTokens / TokenWarps;
  static constexpr int kPairs = kWarpTokens / 16;  // of eights of tokens, that a warp has
  static constexpr int kThreads = kRowWarps * TokenWarps * kWarp;
};
using LargeTile = TileSize<128, 128, 2>;
using SmallTile = TileSize<32, 64, 4>;  // four times as many blocks: with few tokens, multiprocessors would stand idle

/// A tile's shared memory. Rows of eight consecutive codes' sixteen bytes, and of eight tokens, lie in eight different groups of
/// banks: matrices are loaded without conflicts.
template <Format F, class Size> struct TileShape {
  static constexpr int kTerms = Facts<F>::kKind == Kind::two_scales_min ? 3 : Facts<F>::kRowTerms;
  static constexpr int kTokenStride = kSpanBlocks * kTokenBytes + 16;
  static constexpr std::size_t kCodes = std::size_t{kSpanBlocks} * Size::kRows * kBlock;
  static constexpr std::size_t kTermBytes = sizeof(float) * kSpanBlocks * kTerms * Size::kRows;
  static constexpr std::size_t kSharedBytes = kCodes + kTermBytes + std::size_t{Size::kTokens} * kTokenStride;
};

struct Tile {
  std::byte *codes, *tokens;  // [sub-block][row][32], [token][sub-block][48]
  float* terms;               // [sub-block][term][row]
};

template <Format F, class Size> __device__ __forceinline__ Tile tile_memory() {
  using Shape = TileShape<F, Size>;
  std::byte* memory = dynamic_shared();
  return {memory, memory + Shape::kCodes + Shape::kTermBytes, reinterpret_cast<float*>(memory + Shape::kCodes)};
}

/// Where half `half` (16 codes) of a row of a sub-block lies.
template <class Size> __device__ __forceinline__ std::byte* code_at(std::byte* codes, int sub, int row, int half) {
  return codes + (sub * Size::kRows + row) * kBlock + (half ^ (row >> 2 & 1)) * 16;
}

/// Four codes as the tensor cores take them. Where a sub-block's scales are small integers they go in here.
template <Format F, int J, int D> __device__ __forceinline__ int tile_code(const Sub<F, J>& sub) {
  if constexpr (Facts<F>::kKind == Kind::two_scales_min) {
    const int sc = Sub<F, J>::U::template scales<J>(sub.head);
    return sub.template code<D>() * (D < 4 ? sc & 0xffff : sc >> 16);
  } else {
    return sub.template signed_code<D>();
  }
}

/// Some sub-blocks of a span of this thread's row.
template <Format F, class Size, int First, int Count>
__device__ __forceinline__ void unpack_subs(const Tile& tile, const LaneRow& row, int r, int span, int n_blocks) {
  each_sub<F, First, Count>(row, span, n_blocks, [&](const auto& sub, int j) {
    using Here = std::decay_t<decltype(sub)>;
    int code[8];
    unroll<8>([&](auto d) { code[d] = tile_code<F, Here::kIndex, decltype(d)::value>(sub); });
    for (int half = 0; half < 2; ++half)
      *reinterpret_cast<int4*>(code_at<Size>(tile.codes, j, r, half)) =
          int4{code[4 * half], code[4 * half + 1], code[4 * half + 2], code[4 * half + 3]};
    float* terms = tile.terms + j * TileShape<F, Size>::kTerms * Size::kRows + r;
    float term[Facts<F>::kRowTerms];
    sub.row_terms(term);
    for (int i = 0; i < Facts<F>::kRowTerms; ++i) terms[i * Size::kRows] = term[i];
    if constexpr (Facts<F>::kKind == Kind::two_scales_min)
      terms[2 * Size::kRows] = __int_as_float(Here::U::template minima<Here::kIndex>(sub.head));
  });
}

/// A span of this block's rows: the threads of a row share its sub-blocks out, in steps that leave registers to the sums.
template <Format F, class Size>
__device__ __forceinline__ void unpack_tile(const Tile& tile, const LaneRow& row, int span, int n_blocks) {
  constexpr int kShares = Size::kThreads / Size::kRows, kStep = 2, kSteps = kSpanBlocks / kShares / kStep;
  const int r = static_cast<int>(threadIdx.x) % Size::kRows, mine = static_cast<int>(threadIdx.x) / Size::kRows;
  unroll<kShares>([&](auto share) {
    if (mine != decltype(share)::value) return;
    unroll<kSteps>([&](auto step) {
      constexpr int kFirst = (decltype(share)::value * kSteps + decltype(step)::value) * kStep;
      unpack_subs<F, Size, kFirst, kStep>(tile, row, r, span, n_blocks);
    });
  });
}

/// The same span of the tokens. Tokens that are not there repeat the last one, as far as sixteens are read.
template <class Size>
__device__ __forceinline__ void copy_tokens(std::byte* to, int token_stride, const MatmulLaunch& a, const Part& part,
                                            int span, int n_here) {
  constexpr int kPieces = kTokenBytes / 16;
  const int n_read = (part.n + 15) / 16 * 16;
  for (int i = static_cast<int>(threadIdx.x); i < Size::kTokens * kSpanBlocks * kPieces; i += Size::kThreads) {
    const int token = i / (kSpanBlocks * kPieces), block = i / kPieces % kSpanBlocks, piece = i % kPieces;
    if (block >= n_here || token >= n_read) continue;
    const std::int64_t source = part.first + (token < part.n ? token : part.n - 1) * part.step;
    copy_16(to + token * token_stride + block * kTokenBytes + piece * 16,
            reinterpret_cast<const std::byte*>(a.q + source * a.q_stride + span * kSpanBlocks + block) + piece * 16);
  }
}

/// Scales and sums of one token's block.
struct TokenTail {
  float d, d_sum;
  int minus_sum, minus_sum0;
};
__device__ __forceinline__ TokenTail tail_of(const std::byte* block) {
  const int4 words = *reinterpret_cast<const int4*>(block + kBlock);
  return {__int_as_float(words.x), __int_as_float(words.y), words.z, words.w};
}

/// acc += link of the 16 x 8 outputs that a warp's lanes hold four each of: rows lane/4 and lane/4 + 8, tokens 2 (lane%4) and its
/// neighbour.
template <Format F, int kTerms>
__device__ __forceinline__ void add_links(float (&acc)[4], const int (&code)[4], int b0, int b1,
                                          const float (&term)[2][kTerms], const TokenTail (&x)[2]) {
  constexpr Kind kind = Facts<F>::kKind;
  constexpr int start = kind == Kind::two_scales_min ? 0 : kMagicBits;
  int c[4] = {kMagicBits, kMagicBits, kMagicBits, kMagicBits}, c1[4] = {start, start, start, start};
  if constexpr (kind == Kind::two_scales) {
    multiply_16(c, code[0], code[1], b0);
    multiply_16(c1, code[2], code[3], b1);
  } else {
    multiply_32(c, code, b0, b1);
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const TokenTail& t = x[i % 2];
    float sum[2] = {from_magic(c[i]), 0.0f};
    if constexpr (kind == Kind::two_scales) sum[1] = from_magic(c1[i]);
    if constexpr (kind == Kind::two_scales_min) {
      const int mn = __float_as_int(term[i / 2][2]);
      sum[1] = small_to_float((mn >> 16) * (t.minus_sum0 - t.minus_sum) - (mn & 0xffff) * t.minus_sum0);
    }
    acc[i] = link<kind>(acc[i], term[i / 2], sum, t.d, t.d_sum);
  }
}

/// One sub-block of 32 k: a warp's 32 rows times its tokens.
template <Format F, class Size>
__device__ __forceinline__ void multiply_tile(float (&acc)[2][2 * Size::kPairs][4], const Tile& tile, int sub,
                                              int n_tokens) {
  constexpr int kTerms = TileShape<F, Size>::kTerms, kStride = TileShape<F, Size>::kTokenStride;
  const int lane = static_cast<int>(threadIdx.x) % kWarp, warp = static_cast<int>(threadIdx.x) / kWarp;
  const int first_row = warp % Size::kRowWarps * kWarpRows, first_token = warp / Size::kRowWarps * Size::kWarpTokens;
  int code[2][4];
  float term[2][2][kTerms];
#pragma unroll
  for (int m = 0; m < 2; ++m) {
    load_matrices(code[m], code_at<Size>(tile.codes, sub, first_row + m * 16 + lane % 16, lane / 16));
    for (int half = 0; half < 2; ++half)
      for (int i = 0; i < kTerms; ++i)
        term[m][half][i] = tile.terms[(sub * kTerms + i) * Size::kRows + first_row + m * 16 + half * 8 + lane / 4];
  }
#pragma unroll
  for (int pair = 0; pair < Size::kPairs; ++pair) {  // of 8 tokens each
    const int token = first_token + pair * 16;
    if (token >= n_tokens) return;
    const std::byte* blocks = tile.tokens + sub * kTokenBytes;
    int b[4];
    load_matrices(b, blocks + (token + lane / 16 * 8 + lane % 8) * kStride + lane / 8 % 2 * 16);
#pragma unroll
    for (int n = 0; n < 2; ++n) {
      const std::byte* mine = blocks + (token + n * 8 + lane % 4 * 2) * kStride;
      const TokenTail x[2] = {tail_of(mine), tail_of(mine + kStride)};
#pragma unroll
      for (int m = 0; m < 2; ++m) add_links<F>(acc[m][pair * 2 + n], code[m], b[2 * n], b[2 * n + 1], term[m], x);
    }
  }
}

template <Format F, class Size>
__global__ void __launch_bounds__(Size::kThreads, 512 / Size::kThreads) matmul_tiles(const MatmulLaunch a) {
  const Part part = part_of(a, Size::kTokens);
  if (!part.any) return;
  const Tile tile = tile_memory<F, Size>();
  const int n_blocks = static_cast<int>(a.k / kBlock), thread = static_cast<int>(threadIdx.x);
  const int last_group = (part.product->n_rows - 1) / kGroupRows;
  const int group = part.block * (Size::kRows / kGroupRows) + thread % Size::kRows / kGroupRows;
  const LaneRow row =
      lane_row<F>(part.groups + (group < last_group ? group : last_group) * a.group_bytes, a.k, thread % kGroupRows);
  float acc[2][2 * Size::kPairs][4] = {};
  for (int span = 0; span * kSpanBlocks < n_blocks; ++span) {
    const int left = n_blocks - span * kSpanBlocks, n_here = left < kSpanBlocks ? left : kSpanBlocks;
    copy_tokens<Size>(tile.tokens, TileShape<F, Size>::kTokenStride, a, part, span, n_here);
    unpack_tile<F, Size>(tile, row, span, n_blocks);
    end_of_copies();
    wait_for_copies();
    __syncthreads();
    for (int sub = 0; sub < n_here; ++sub) multiply_tile<F, Size>(acc, tile, sub, part.n);
    __syncthreads();
  }
  const int lane = thread % kWarp, warp = thread / kWarp;
#pragma unroll
  for (int m = 0; m < 2; ++m)
#pragma unroll
    for (int n = 0; n < 2 * Size::kPairs; ++n)
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int r = part.block * Size::kRows + warp % Size::kRowWarps * kWarpRows + m * 16 + i / 2 * 8 + lane / 4;
        const int token = warp / Size::kRowWarps * Size::kWarpTokens + n * 8 + lane % 4 * 2 + i % 2;
        if (token < part.n && r < part.product->n_rows) put(part, part.first + token * part.step, r, acc[m][n][i]);
      }
}

}  // namespace hearth::kernels::cuda
