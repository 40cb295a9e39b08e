// Quantized matmul for 16 rows at a time (lane = row). Few tokens: weights go from memory to registers and meet all
// tokens there. More: whole rows of codes and scales are expanded to a panel in the cache and multiplied tile by tile, by vectors or
// by a tile unit. The file's layout goes through the same code, 16 rows transposed a few blocks at a time.
#pragma once

#include <algorithm>
#include <array>

#include "kernel_table.h"
#include "multiply.inl"
#include "packing.h"
#include "tile_matmul.inl"
#include "unpack.inl"

namespace hearth::kernels::HEARTH_ISA {

// A tile unit takes over from the panels at its own sixteen tokens.
inline constexpr std::int64_t kTileLeast = 16;
inline constexpr std::int64_t kTileGroups = 2;   // groups of 16 rows that are expanded at a time
inline constexpr std::int64_t kTileSlice = 128;  // tokens whose chains wait in memory at a time
inline constexpr std::int64_t kTileBlocks = 16;  // blocks of a panel that stay in the first cache while a slice passes

template <Format Fmt> struct Quantized {
  using U = Unpack<Fmt>;
  static constexpr FormatInfo kInfo = format_info(Fmt);
  using Mul = Multiply<kInfo.kind, U::kMaxCode, U::kZeroShift>;
  static constexpr int kSubs = kInfo.block_elements / kBlock;
  static constexpr std::int64_t kHeadBytes = kGroupRows * kInfo.head_bytes;  // of one repacked block
  static constexpr std::int64_t kBodyBytes = kGroupRows * 4 * kInfo.body_dwords;
  static constexpr std::int64_t kGroupBlock = kGroupRows * kInfo.block_bytes;  // both
  static constexpr std::int64_t kRun = run_blocks(kInfo);
  static constexpr std::int64_t kSpan = kSubs == 1 ? 8 : kRun;  // blocks transposed at a time
  static constexpr int kPanelGroups = Isa::kPanelGroups;
  static constexpr int kPanelTokens = !Mul::template Panel<kPanelGroups>::kOneSum ? Isa::kPanelTokensTwoSums
                                      : U::kMaxCode == 255                        ? Isa::kPanelTokensBytes
                                                                                  : Isa::kPanelTokens;

  /// Sub-block J of a repacked block.
  template <int J> struct Sub {
    static constexpr bool kOneSum = Mul::kOneSum;
    const typename U::Head& head;
    const std::byte* body;
    template <int D> HEARTH_INLINE I code(int) const { return U::template code<J, D>(head, body); }
    HEARTH_INLINE F scale(int) const { return U::template scale<J>(head); }
    HEARTH_INLINE F second(int) const { return U::template second<J>(head); }
    HEARTH_INLINE I scales(int) const { return U::template scales<J>(head); }
    HEARTH_INLINE I minima(int) const { return U::template minima<J>(head); }
    /// One half's scale as both 16-bit halves.
    template <int Half> HEARTH_INLINE I twice_scale(int) const {
      const I one = Half == 0 ? mask(scales(0), 0xffff) : Isa::shr<16>(scales(0));
      return Isa::or_i(one, Isa::shl<16>(one));
    }
  };

  /// The same, where each dword's codes ask for their share of the lines ahead: memory units wait when asked for a whole block
  /// at once.
  template <int J> struct PacedSub : Sub<J> {
    const std::byte *ahead, *far_ahead;  // a block's bytes
    template <int D> HEARTH_INLINE I code(int g) const {
      constexpr std::int64_t kLines = (kGroupBlock + 63) / 64, kSteps = 8 * kSubs, kStep = 8 * J + D;
      constexpr std::int64_t kFirst = kStep * kLines / kSteps, kEnd = (kStep + 1) * kLines / kSteps;
      unroll<static_cast<int>(kEnd - kFirst)>([&](auto n) HEARTH_LAMBDA {
        if constexpr (Isa::kFarAhead != 0) Isa::prefetch_far_here(far_ahead + 64 * (kFirst + n));
        Isa::prefetch_here(ahead + 64 * (kFirst + n));
      });
      return Sub<J>::template code<D>(g);
    }
  };

  // ---- File layout -> repacked layout: n blocks of 16 rows from `rows`, the last of a row or whole runs.
  static __attribute__((noinline)) void transpose_blocks(std::byte* dst, const std::byte* rows, std::size_t stride,
                                                         std::int64_t n) {
    for (std::int64_t b = 0, n_run; b < n; b += n_run) {
      n_run = n - b < kRun ? n - b : kRun;
      std::byte *heads = dst, *body = dst + n_run * kHeadBytes;
      for (std::int64_t i = 0; i < n_run; ++i, rows += kInfo.block_bytes, heads += kHeadBytes, body += kBodyBytes)
        transpose_block(heads, body, rows, stride);
      dst = body;
    }
  }

  static constexpr auto kPlace = [] {
    std::array<std::int16_t, kInfo.body_dwords> place{};
    for (int w = 0; w < kInfo.body_dwords; ++w) place[w] = static_cast<std::int16_t>(body_place(Fmt, w));
    return place;
  }();

  static HEARTH_INLINE void transpose_block(std::byte* heads, std::byte* body, const std::byte* rows,
                                            std::size_t stride) {
    if constexpr (kInfo.head_bytes != 0) {
      HEARTH_UNROLL
      for (std::size_t r = 0; r < kGroupRows; ++r)
        __builtin_memcpy(heads + r * kInfo.head_bytes, rows + r * stride + kInfo.head_offset, kInfo.head_bytes);
    }
    constexpr int kColumns = (kInfo.body_dwords + 3) / 4;
    for (int c = 0; c < kColumns; ++c) {
      const int first = 4 * c + 4 <= kInfo.body_dwords ? 4 * c : kInfo.body_dwords - 4;  // the last column may overlap
      I t[4];
      Isa::transpose(rows + kInfo.body_offset + 4 * first, stride, t);
      HEARTH_UNROLL
      for (int n = 0; n < 4; ++n) Isa::store_i(body + kPlace[first + n] * kVector, t[n]);
    }
  }

  static void pack(std::byte* dst, const std::byte* src, std::int64_t n_rows, std::int64_t k) {
    if (n_rows < kGroupRows) return pack_group(kInfo, dst, src, n_rows, k);
    transpose_blocks(dst, src, row_bytes(kInfo, k), k / kInfo.block_elements);
  }

  static std::size_t panel_bytes(std::int64_t k) {
    return static_cast<std::size_t>(k) / kBlock * Mul::template block_bytes<kPanelGroups>();
  }

  /// Calls visit(heads, bodies, n_blocks) over the runs of a group, a few blocks at a time after their transposing where rows lie as
  /// in the file. `tail`: room for a group whose rows are fewer than 16.
  template <class Visit>
  static HEARTH_INLINE void visit_group(const MatmulArgs& a, std::int64_t group, bool packed, std::byte* tail,
                                        Visit visit) {
    const std::int64_t n = a.k / kInfo.block_elements, rows = a.n_rows - group * kGroupRows;
    const std::byte* base = a.weights + group * static_cast<std::int64_t>(group_bytes(kInfo, a.k));
    if (!packed && rows < kGroupRows) {
      pack_group(kInfo, tail, base, rows, a.k);
      base = tail;
      packed = true;
    }
    alignas(64) std::byte few[kSpan * kGroupBlock];
    const std::byte* at = base;
    const std::int64_t run = kInfo.head_bytes != 0 ? kRun : packed ? n : kSpan;
    for (std::int64_t b = 0; b < n; b += run) {
      if (!packed && b % kSpan == 0) {
        at = few;
        transpose_blocks(few, base + b * kInfo.block_bytes, row_bytes(kInfo, a.k), n - b < kSpan ? n - b : kSpan);
      }
      const std::int64_t n_run = n - b < run ? n - b : run;
      visit(at, at + n_run * kHeadBytes, n_run);
      at += n_run * kGroupBlock;
    }
  }

  /// What memory is asked for while a group is multiplied, and how far that moves with every block.
  struct Asked {
    const std::byte* at;
    std::int64_t step;
  };
  /// Weights ahead of their use: further on in repacked rows, the next group in the file's. Or always the same activations, which
  /// are at hand, where the core does better `alone`: where nothing but reading takes time, of one token and from 4 bits a weight up.
  static Asked asked(const MatmulArgs& a, std::int64_t group, bool packed, std::int64_t distance, bool alone) {
    if (packed && alone && Isa::reads_ahead()) return {reinterpret_cast<const std::byte*>(a.q), 0};
    const auto size = static_cast<std::int64_t>(group_bytes(kInfo, a.k));
    return {a.weights + group * size + (packed ? distance : size), kGroupBlock};
  }

  static HEARTH_INLINE void store_rows(const MatmulArgs& a, std::int64_t group, std::int64_t token, const F& acc) {
    float* y = a.y + token * a.y_stride + group * kGroupRows;
    const std::int64_t rows = a.n_rows - group * kGroupRows;
    if (rows >= kGroupRows) return Isa::store(y, acc);
    alignas(64) float lane[16];
    Isa::store(lane, acc);
    for (std::int64_t r = 0; r < rows; ++r) y[r] = lane[r];
  }

  /// Activation rows of T tokens; past the last one its row again, whose result is not stored.
  template <int T>
  static HEARTH_INLINE void token_rows(const MatmulArgs& a, std::int64_t token, const QBlock* (&rows)[T]) {
    for (int t = 0; t < T; ++t) rows[t] = a.q + (token + t < a.n_tokens ? token + t : a.n_tokens - 1) * a.q_stride;
  }

  // ---- Few tokens: weights go from memory to registers, and each code meets all T tokens there, N at a time.
  template <int T>
  static __attribute__((noinline)) void fused_tokens(const MatmulArgs& a, std::int64_t group, bool packed) {
    constexpr int N = T < Isa::kSmallTile ? T : Isa::kSmallTile;
    F acc[T / N][1][N];
    const QBlock* q[T / N][N];
    for (int part = 0; part < T / N; ++part) {
      token_rows<N>(a, part * N, q[part]);
      for (F& sum : acc[part][0]) sum = Isa::zero();
    }
    constexpr bool kAlone = T == 1 && 2 * kInfo.block_bytes >= kInfo.block_elements;
    Asked near = asked(a, group, packed, Isa::kAhead, kAlone), far = asked(a, group, packed, Isa::kFarAhead, kAlone);
    visit_group(a, group, packed, a.scratch,
                [&](const std::byte* heads, const std::byte* body, std::int64_t n) HEARTH_LAMBDA {
                  for (std::int64_t b = 0; b < n; ++b, heads += kHeadBytes, body += kBodyBytes) {
                    const typename U::Head head = U::head(heads, body);
                    unroll<kSubs>([&](auto j) HEARTH_LAMBDA {
                      unroll<T / N>([&](auto part) HEARTH_LAMBDA {
                        if constexpr (part == 0)
                          Mul::template block<1, N>(acc[part], q[part], PacedSub<j>{{head, body}, near.at, far.at});
                        else Mul::template block<1, N>(acc[part], q[part], Sub<j>{head, body});
                        HEARTH_UNROLL
                        for (int t = 0; t < N; ++t) ++q[part][t];
                      });
                    });
                    near.at += near.step;
                    far.at += far.step;
                  }
                });
    for (int t = 0; t < T && t < a.n_tokens; ++t) store_rows(a, group, t, acc[t / N][0][t % N]);
  }

  static constexpr bool few(std::int64_t n_tokens) { return Isa::few(n_tokens, U::kMaxCode == 255); }

  static void few_tokens(const MatmulArgs& a, std::int64_t group, bool packed) {
    const std::int64_t n = a.n_tokens;
    if constexpr (few(16)) {
      if (n > 8) return fused_tokens<16>(a, group, packed);
    }
    if constexpr (few(8)) {
      if (n > 4) return fused_tokens<8>(a, group, packed);
    }
    if (n > 2) fused_tokens<4>(a, group, packed);
    else if (n == 2) fused_tokens<2>(a, group, packed);
    else fused_tokens<1>(a, group, packed);
  }

  /// A code as a panel holds it; a tile unit takes signed ones. A product with a scale stays in its byte: two are one of 16 bits.
  template <int D, bool ForTiles, class Source, class S = Isa> static HEARTH_INLINE I panel_code(const Source& source) {
    const I code = source.template code<D>(0);
    if constexpr (Mul::kScaledPanel) return S::mul16(code, source.template twice_scale<(D >= 4)>(0));
    else if constexpr (!ForTiles || U::kZeroShift < 0) return code;
    else return S::sub_i8(code, S::set1_i(static_cast<std::int32_t>(0x01010101u << U::kZeroShift)));
  }

  // ---- More tokens: n blocks -> a panel of G groups (this is group g of it), or of tiles.
  template <int G, bool ForTiles = false>
  static __attribute__((noinline)) void expand(std::byte* panel, int g, const std::byte* heads, const std::byte* body,
                                               std::int64_t n) {
    std::byte* out = panel + g * kVector;
    constexpr int kRow = G * kVector;
    for (std::int64_t b = 0; b < n; ++b, heads += kHeadBytes, body += kBodyBytes) {
      const typename U::Head head = U::head(heads, body);
      unroll<kSubs>([&](auto j) HEARTH_LAMBDA {
        const Sub<j> source{head, body};
        unroll<8>([&](auto d) HEARTH_LAMBDA { Isa::store_i(out + d * kRow, panel_code<d, ForTiles>(source)); });
        Isa::store(reinterpret_cast<float*>(out + 8 * kRow), source.scale(0));
        if constexpr (Mul::kScaleRows >= 2) Isa::store(reinterpret_cast<float*>(out + 9 * kRow), source.second(0));
        if constexpr (kInfo.kind == Kind::two_scales_min) {
          Isa::store_i(out + 10 * kRow, source.minima(0));
          if constexpr (!Mul::kScaledPanel) {
            Isa::store_i(out + 11 * kRow, source.template twice_scale<0>(0));
            Isa::store_i(out + 12 * kRow, source.template twice_scale<1>(0));
          }
        }
        out += Mul::template block_bytes<G>();
      });
    }
  }

  template <int T>
  static void panel_tile(const MatmulArgs& a, std::int64_t group, std::int64_t token, const std::byte* panel,
                         Ahead& next) {
    F acc[kPanelGroups * T];
    for (F& chain : acc) chain = Isa::zero();
    const QBlock* rows[T];
    token_rows<T>(a, token, rows);
    Mul::template tile<kPanelGroups, T>(acc, rows, panel, a.k / kBlock, next);
    for (int g = 0; g < kPanelGroups && (group + g) * kGroupRows < a.n_rows; ++g)
      for (int t = 0; t < T && token + t < a.n_tokens; ++t) store_rows(a, group + g, token + t, acc[g * T + t]);
  }

  /// Many tokens: whole rows of a few groups stay expanded in the second cache while all tokens pass, and memory is asked for the
  /// next ones.
  static void many_tokens(const MatmulArgs& a, std::int64_t group, std::int64_t last, bool packed) {
    for (int g = 0; g < kPanelGroups && group + g < last; ++g) {
      std::byte* out = a.scratch;
      visit_group(a, group + g, packed, a.scratch + panel_bytes(a.k),
                  [&](const std::byte* heads, const std::byte* body, std::int64_t n) HEARTH_LAMBDA {
                    expand<kPanelGroups>(out, g, heads, body, n);
                    out += static_cast<std::size_t>(n) * kSubs * Mul::template block_bytes<kPanelGroups>();
                  });
    }
    constexpr int T = kPanelTokens, kRest = (T + 1) / 2;
    const auto size = static_cast<std::int64_t>(group_bytes(kInfo, a.k));
    const std::int64_t n_tile_blocks = (a.n_tokens + T - 1) / T * (a.k / kBlock);
    Ahead next{a.weights + (group + kPanelGroups) * size, kPanelGroups * size / n_tile_blocks + 1};
    for (std::int64_t t = 0; t < a.n_tokens; t += T) {
      if (a.n_tokens - t > kRest) panel_tile<T>(a, group, t, a.scratch, next);
      else panel_tile<kRest>(a, group, t, a.scratch, next);
    }
  }

  /// Panels, one a group, and the chains of a slice of tokens.
  static std::size_t tile_scratch_bytes(std::int64_t k) {
    return static_cast<std::size_t>(k) / kBlock * kTileGroups * Mul::template block_bytes<1>() +
           sizeof(float) * kTileSlice * kTileGroups * kGroupRows;
  }

  /// A prompt through the tile unit. The last sixteen tokens may be computed twice: the same bits are stored again.
  template <class S = Isa>
  static void tile_tokens(const MatmulArgs& a, std::int64_t group, std::int64_t last, bool packed) {
    using Tiles = typename S::Tiles;
    using Chains = TileChains<Mul, Tiles>;
    constexpr std::int64_t T = Tiles::kTokens, kTile = T * kGroupRows;
    const std::int64_t n_blocks = a.k / kBlock, n_groups = std::min<std::int64_t>(kTileGroups, last - group);
    const std::size_t group_panel = static_cast<std::size_t>(n_blocks) * Chains::kBlockBytes;
    const auto chains = reinterpret_cast<float*>(a.scratch);
    std::byte* const panels = a.scratch + sizeof(float) * kTileSlice * kTileGroups * kGroupRows;
    for (std::int64_t g = 0; g < n_groups; ++g) {
      std::byte* out = panels + static_cast<std::size_t>(g) * group_panel;
      visit_group(a, group + g, packed, a.scratch + tile_scratch_bytes(a.k),
                  [&](const std::byte* heads, const std::byte* body, std::int64_t n) HEARTH_LAMBDA {
                    expand<1, true>(out, 0, heads, body, n);
                    out += static_cast<std::size_t>(n * kSubs) * Chains::kBlockBytes;
                  });
    }
    const auto stride = static_cast<std::size_t>(a.q_stride) * sizeof(QBlock);
    const auto first_token = [&](std::int64_t t) { return std::min(t, a.n_tokens - T); };
    for (std::int64_t slice = 0; slice < a.n_tokens; slice += kTileSlice) {
      const std::int64_t end = std::min(a.n_tokens, slice + kTileSlice);
      std::fill_n(chains, (end - slice + T - 1) / T * n_groups * kTile, 0.0f);
      for (std::int64_t b = 0; b < n_blocks; b += kTileBlocks) {
        float* chain = chains;
        for (std::int64_t t = slice; t < end; t += T)
          for (std::int64_t g = 0; g < n_groups; ++g, chain += kTile)
            Chains::run(
                chain, a.q + first_token(t) * a.q_stride + b, stride,
                panels + static_cast<std::size_t>(g) * group_panel + static_cast<std::size_t>(b) * Chains::kBlockBytes,
                std::min(kTileBlocks, n_blocks - b));
      }
      const float* chain = chains;
      for (std::int64_t t = slice; t < end; t += T)
        for (std::int64_t g = 0; g < n_groups; ++g)
          for (std::int64_t n = 0; n < T; ++n, chain += kGroupRows)
            store_rows(a, group + g, first_token(t) + n, Isa::load(chain));
    }
  }

  /// Panels, and room for the rows of a last group before they are one.
  static std::size_t scratch_bytes(std::int64_t k) { return panel_bytes(k) + group_bytes(kInfo, k); }
  static std::size_t prompt_scratch_bytes(std::int64_t k) { return tile_scratch_bytes(k) + group_bytes(kInfo, k); }

  static void matmul_file(const MatmulArgs& a) { matmul(a, false); }
  static void matmul_packed(const MatmulArgs& a) { matmul(a, true); }
  static void matmul(const MatmulArgs& a, bool packed) {
    const std::int64_t last = (a.row_end + kGroupRows - 1) / kGroupRows;
    std::int64_t g = a.row_begin / kGroupRows;
    if (few(a.n_tokens))
      for (; g < last; ++g) few_tokens(a, g, packed);
    else
      for (; g < last; g += kPanelGroups) many_tokens(a, g, last, packed);
  }

  /// At least kTileLeast tokens, by the tile unit.
  static void prompt_file(const MatmulArgs& a) { prompt(a, false); }
  static void prompt_packed(const MatmulArgs& a) { prompt(a, true); }
  template <class S = Isa> static void prompt(const MatmulArgs& a, bool packed) {
    const std::int64_t last = (a.row_end + kGroupRows - 1) / kGroupRows;
    S::Tiles::template configure<TileChains<Mul, typename S::Tiles>::kBytes>();
    for (std::int64_t g = a.row_begin / kGroupRows; g < last; g += kTileGroups) tile_tokens(a, g, last, packed);
    S::Tiles::release();
  }
};

}  // namespace hearth::kernels::HEARTH_ISA
