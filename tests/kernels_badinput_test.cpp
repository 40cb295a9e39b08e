// Enters: blocks of any bits, buffers that end where memory ends, scores and rows that are no numbers or all zero (rows K1 to K3 of
// BADINPUT.md). Leaves: scalar.cpp's answer from every instruction set and layout, and no byte read or written beyond a buffer.
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "dispatch.h"
#include "packing.h"
#include "support/catch.hpp"
#include "support/random_weights.h"
#include "tables.h"

namespace kernels_badinput_test {

using namespace hearth;
using namespace hearth::kernels;
using hearth::test::Rng;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Elements whose last one is the last before a page that may not be touched.
template <class T> class Guarded {
 public:
  explicit Guarded(std::size_t n) : bytes_(n * sizeof(T)) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    mapped_ = (bytes_ + page - 1) / page * page + page;
    base_ =
        static_cast<std::byte*>(::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    REQUIRE(base_ != MAP_FAILED);
    REQUIRE(::mprotect(base_ + mapped_ - page, page, PROT_NONE) == 0);
    data_ = base_ + mapped_ - page - bytes_;
  }
  template <class Source> explicit Guarded(const std::vector<Source>& from) : Guarded(from.size()) {
    std::memcpy(data_, from.data(), bytes_);
  }
  ~Guarded() { ::munmap(base_, mapped_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  T* data() const { return reinterpret_cast<T*>(data_); }

 private:
  std::size_t bytes_, mapped_ = 0;
  std::byte *base_ = nullptr, *data_ = nullptr;
};

/// The same bits, or no number on both sides: which NaN it is, nobody asks.
bool same(const float* a, const float* b, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i)
    if (std::memcmp(a + i, b + i, 4) != 0 && !(std::isnan(a[i]) && std::isnan(b[i]))) return false;
  return true;
}

std::vector<QBlock> quantized(const std::vector<float>& x, std::int64_t n_tokens, std::int64_t k) {
  const std::int64_t blocks = (k + kBlock - 1) / kBlock;
  std::vector<QBlock> q(static_cast<std::size_t>(n_tokens * blocks));
  for (std::int64_t t = 0; t < n_tokens; ++t)
    REQUIRE(
        table_scalar.quantize_row(&q[static_cast<std::size_t>(t * blocks)], &x[static_cast<std::size_t>(t * k)], k));
  return q;
}

struct Shape {
  std::int64_t n_rows, k, n_tokens;
};

/// y [n_tokens, n_rows] of a table, every buffer but the scratch at the end of its memory.
std::vector<float> product(const KernelTable& table, const FormatInfo& info, bool packed, const Shape& s,
                           const std::vector<std::byte>& rows, const std::vector<float>& x,
                           const std::vector<QBlock>& q) {
  const auto groups = static_cast<std::size_t>((s.n_rows + kGroupRows - 1) / kGroupRows);
  const std::size_t row = row_bytes(info, s.k), group = group_bytes(info, s.k);
  const Guarded<std::byte> file(rows), repacked(packed ? groups * group : 1);
  const FormatKernels& f = table.formats[format_index(info.format)];
  for (std::size_t g = 0; packed && g < groups; ++g) {
    const auto first = static_cast<std::int64_t>(g) * kGroupRows;
    f.pack(repacked.data() + g * group, file.data() + static_cast<std::size_t>(first) * row,
           std::min<std::int64_t>(kGroupRows, s.n_rows - first), s.k);
  }
  const Guarded<float> given(x), y(static_cast<std::size_t>(s.n_tokens * s.n_rows));
  const Guarded<QBlock> codes(q);
  std::vector<std::byte> scratch(table.scratch_bytes(s.k) + 64);
  auto* aligned = reinterpret_cast<std::byte*>((reinterpret_cast<std::uintptr_t>(scratch.data()) + 63) / 64 * 64);
  const MatmulArgs args{packed ? repacked.data() : file.data(),
                        s.n_rows,
                        s.k,
                        codes.data(),
                        given.data(),
                        (s.k + kBlock - 1) / kBlock,
                        s.k,
                        s.n_tokens,
                        y.data(),
                        s.n_rows,
                        0,
                        s.n_rows,
                        aligned};
  (packed ? f.matmul_packed : f.matmul_file)(args);
  return {y.data(), y.data() + s.n_tokens * s.n_rows};
}

void check_product(const FormatInfo& info, const Shape& s, const std::vector<std::byte>& rows,
                   const std::vector<float>& x) {
  const std::vector<QBlock> q = quantized(x, s.n_tokens, s.k);
  const std::vector<float> expected = product(table_scalar, info, false, s, rows, x, q);
  for (const KernelTable* table : runnable())
    for (const bool packed : {false, true}) {
      if (table == &table_scalar && !packed) continue;
      INFO(info.name << " " << table->name << (packed ? " repacked" : " file") << " rows " << s.n_rows << " k " << s.k
                     << " tokens " << s.n_tokens);
      const std::vector<float> y = product(*table, info, packed, s, rows, x, q);
      REQUIRE(same(expected.data(), y.data(), y.size()));
    }
}

std::int64_t unit_of(const FormatInfo& info) { return info.block_elements == 1 ? 8 : info.block_elements; }

/// So many blocks of each format, of any bits: scales that are NaN, infinite, denormal and the largest are among them.
void check_random_blocks(std::int64_t n_blocks) {
  Rng rng(41);
  for (const FormatInfo& info : kFormats) {
    for (std::int64_t done = 0, round = 0; done < n_blocks; ++round) {
      const Shape s{16, unit_of(info) * (1 + round % 8), 1 + round % 3};
      std::vector<std::byte> rows(static_cast<std::size_t>(s.n_rows) * row_bytes(info, s.k));
      for (std::byte& b : rows) b = static_cast<std::byte>(rng());
      done += static_cast<std::int64_t>(rows.size() / info.block_bytes);
      check_product(info, s, rows, test::random_floats(rng, static_cast<std::size_t>(s.n_tokens * s.k), 3.0f));
    }
  }
}

}  // namespace

TEST_CASE("K1: blocks of random bits: every instruction set and layout has scalar's product") {
  check_random_blocks(2000);
}

TEST_CASE("K1: a million blocks of random bits a format", "[.long]") { check_random_blocks(1000000); }

TEST_CASE("K1: blocks of one byte, activations at the ends of their range: no sum of codes overflows") {
  for (const FormatInfo& info : kFormats)
    for (const int fill :
         {0x00, 0x01, 0x7b, 0x7f, 0x80, 0xff})  // 0x7b7b: the largest f16 but 2 KiB of it; 0x80: codes of -128
      for (const std::int64_t blocks : {1, 2, 8})
        for (const float x : {127.0f, -127.0f, 0.0f, 1e30f}) {
          const Shape s{17, unit_of(info) * blocks, 2};
          const std::vector<std::byte> rows(static_cast<std::size_t>(s.n_rows) * row_bytes(info, s.k),
                                            static_cast<std::byte>(fill));
          check_product(info, s, rows, std::vector<float>(static_cast<std::size_t>(s.n_tokens * s.k), x));
        }
}

TEST_CASE("K1: q8_0 at its ends is exact: 127 times -128 in every place of the longest row that f32 sums exactly") {
  const FormatInfo& info = kFormats[format_index(Format::q8_0)];
  const Shape s{1, 32 * 32, 1};
  std::vector<std::byte> rows(row_bytes(info, s.k), std::byte{0x80});
  for (std::size_t at = 0; at < rows.size(); at += info.block_bytes) test::put_f16(&rows[at], 1.0f);
  const std::vector<float> x(static_cast<std::size_t>(s.k), 127.0f);
  const std::vector<QBlock> q = quantized(x, 1, s.k);
  for (const KernelTable* table : runnable())
    for (const bool packed : {false, true})
      CHECK(product(*table, info, packed, s, rows, x, q)[0] == -128.0f * 127.0f * static_cast<float>(s.k));
}

TEST_CASE("K2: one row, one block, odd counts, and memory that ends with each buffer") {
  Rng rng(43);
  for (const FormatInfo& info : kFormats)
    for (const std::int64_t k : {unit_of(info), 3 * unit_of(info)})
      for (const std::int64_t n_rows : {1, 3, 15, 16, 17, 19})
        for (const std::int64_t n_tokens : {1, 2, 5, 9}) {
          const Shape s{n_rows, info.block_elements == 1 ? k - 1 : k, n_tokens};
          check_product(info, s, test::random_rows(rng, info, n_rows, s.k),
                        test::random_floats(rng, static_cast<std::size_t>(n_tokens * s.k), 3.0f));
        }
}

TEST_CASE("K2: row operations touch nothing beyond their rows") {
  Rng rng(45);
  for (const KernelTable* table : runnable())
    for (const std::int64_t n : {1, 2, 7, 15, 16, 17, 31, 33, 63, 100}) {
      const auto size = static_cast<std::size_t>(n);
      const Guarded<float> a(test::random_floats(rng, size, 3.0f)), b(test::random_floats(rng, size)), y(size);
      const Guarded<QBlock> q((size + kBlock - 1) / kBlock);
      CHECK(table->quantize_row(q.data(), a.data(), n));
      table->rms_norm(y.data(), a.data(), b.data(), n, 1e-5f);
      table->layer_norm(y.data(), a.data(), b.data(), b.data(), n, 1e-5f);
      for (const Activation activation : kActivations) table->gate(y.data(), a.data(), b.data(), n, activation);
      table->scale(y.data(), 0.5f, n);
      table->soft_cap(y.data(), 5.0f, n);
      table->exp_from(y.data(), a.data(), 3.0f, n);
      table->add(y.data(), a.data(), n);
      table->add_scaled(y.data(), a.data(), 0.5f, n);
      for (const RopeLayout layout : {RopeLayout::adjacent, RopeLayout::halves})
        if (n % 2 == 0) table->rope(y.data(), a.data(), b.data(), 1, n, n, layout);
    }
}

TEST_CASE("K3: norms of zeros are zeros, of a NaN or an infinity no numbers, in every instruction set") {
  for (const KernelTable* table : runnable())
    for (const std::int64_t n : {1, 16, 17, 100}) {
      const auto size = static_cast<std::size_t>(n);
      INFO(table->name << " n " << n);
      const std::vector<float> zeros(size, 0.0f), ones(size, 1.0f);
      std::vector<float> y(size, 7.0f), expected(size);
      table->rms_norm(y.data(), zeros.data(), ones.data(), n, 1e-5f);
      CHECK(y == zeros);
      table->layer_norm(y.data(), zeros.data(), ones.data(), nullptr, n, 1e-5f);
      CHECK(y == zeros);
      for (const float bad : {std::nanf(""), kInfinity, -kInfinity, 3e38f}) {
        std::vector<float> x = ones;
        x[size / 2] = bad;
        table->rms_norm(y.data(), x.data(), ones.data(), n, 1e-5f);
        table_scalar.rms_norm(expected.data(), x.data(), ones.data(), n, 1e-5f);
        CHECK(same(expected.data(), y.data(), size));
        CHECK((std::isfinite(bad) || std::isnan(y[size / 2])));
      }
    }
}

TEST_CASE("K3: attention whose scores are all -inf, one +inf, of one position or of many: one answer") {
  constexpr std::int64_t head_dim = 32;
  const std::size_t half = kv_head_bytes(KvType::f32, head_dim);
  for (const std::int64_t n_positions : {1, 63, 64, 65, 130})
    for (const int kind : {0, 1, 2, 3}) {  // all -inf, one +inf, all +inf, all 0
      Rng rng(47);
      std::vector<float> k(static_cast<std::size_t>(n_positions * head_dim), kind == 3 ? 0.0f : -3e38f);
      for (std::size_t i = 0; i < k.size(); ++i)
        if (kind == 2 || (kind == 1 && i < head_dim)) k[i] = 3e38f;
      const std::vector<float> v = test::random_floats(rng, k.size()), q(head_dim, 3e38f);
      std::vector<float> expected;
      for (const KernelTable* table : runnable()) {
        std::vector<std::byte> bytes(6 * half);
        std::byte* pages[] = {bytes.data(), bytes.data() + 2 * half, bytes.data() + 4 * half};
        for (std::int64_t p = 0; p < n_positions; ++p)
          REQUIRE(table->kv_store(pages[p / kPage], pages[p / kPage] + half, &k[static_cast<std::size_t>(p * head_dim)],
                                  &v[static_cast<std::size_t>(p * head_dim)], p % kPage, head_dim, KvType::f32));
        std::vector<float> out(head_dim, 7.0f);
        AttendArgs args{pages, 0, half, KvType::f32, head_dim, 1, {}, {}, {}, {}, 0.125f, 0, {}};
        args.query[0] = q.data(), args.out[0] = out.data(), args.begin[0] = 0, args.end[0] = n_positions;
        table->attend(args);
        INFO(table->name << " positions " << n_positions << " kind " << kind);
        if (expected.empty()) expected = out;
        CHECK(same(expected.data(), out.data(), head_dim));
        if (kind == 3 && n_positions == 1) CHECK(same(v.data(), out.data(), head_dim));  // all of the one value
        if (kind == 3) CHECK(std::isfinite(out[0]));
        if (kind < 3) CHECK(std::isnan(out[0]));  // which the next step finds and says
      }
    }
}

}  // namespace kernels_badinput_test
