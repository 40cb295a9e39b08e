// The GPU's cache and attention have the bits of scalar.cpp: what is stored, and what is read of it, for every cache type, head size,
// span and kind of score; split over the positions or not; latents too.
#include <cmath>

#include "support/cuda_test.h"

using namespace hearth;
using namespace hearth::kernels;
using namespace hearth::test;

namespace {

struct Setting {
  KvType type = KvType::f16;
  std::int64_t head_dim = 64, n_head = 4, n_kv_head = 2, n_positions = 70, n_rot = 64;
  RopeLayout layout = RopeLayout::halves;
  bool normed = false, own_norms = false, sinks = false, slopes = false;
  float soft_cap = 0;
  std::int64_t window = 0, latent_dim = 0;
  std::int64_t slack = 100;  // `longest` is a bound, not what there is

  std::int64_t value_dim() const { return latent_dim != 0 ? latent_dim : head_dim; }
  std::size_t head_bytes() const { return kv_head_bytes(type, head_dim); }
  std::size_t page_bytes() const { return kLayer + size(n_kv_head) * 2 * head_bytes(); }
  std::size_t k_offset(std::int64_t head) const { return kLayer + size(head) * 2 * head_bytes(); }
  static constexpr std::size_t kLayer = 256;  // another layer's part comes first
};

/// A sequence of random positions, here and in device memory.
struct Sequence {
  Setting s;
  std::int64_t n_pages, pairs;
  std::vector<float> q, k, v, cos, sin, q_norm, k_norm, sinks, slopes;
  std::vector<std::byte> bytes;
  std::vector<const std::byte*> pages;
  OnDevice<std::byte> device_bytes;
  std::vector<const std::byte*> device_pages;
  OnDevice<const std::byte*> page_table;
  OnDevice<float> device_sinks, device_slopes;
  cuda::AttentionShape shape;

  Sequence(Rng& rng, const Setting& setting)
      : s(setting),
        n_pages((s.n_positions + kPage - 1) / kPage),
        pairs(s.n_rot / 2),
        q(random_floats(rng, size(s.n_positions * s.n_head * s.head_dim), 2.0f)),
        k(random_floats(rng, size(s.n_positions * s.n_kv_head * s.head_dim))),
        v(random_floats(rng, k.size())),
        cos(random_floats(rng, size(s.n_positions * pairs))),
        sin(random_floats(rng, cos.size())),
        q_norm(random_floats(rng, size(s.n_head * s.head_dim))),
        k_norm(random_floats(rng, size(s.n_kv_head * s.head_dim))),
        sinks(random_floats(rng, size(s.n_head))),
        slopes(random_floats(rng, size(s.n_head))),
        bytes(size(n_pages) * s.page_bytes(), std::byte{0xFF}),  // what is not written is NaN
        device_bytes(bytes),
        device_pages(addresses(device_bytes.data())),
        page_table(device_pages),
        device_sinks(sinks),
        device_slopes(slopes),
        shape{s.n_head,
              s.n_kv_head,
              s.head_dim,
              0.125f,
              s.soft_cap,
              s.type,
              Setting::kLayer,
              s.window,
              s.sinks ? device_sinks.data() : nullptr,
              s.slopes ? device_slopes.data() : nullptr,
              s.latent_dim} {
    pages = addresses(bytes.data());
  }
  std::vector<const std::byte*> addresses(std::byte* first) const {
    std::vector<const std::byte*> all;
    for (std::int64_t p = 0; p < n_pages; ++p) all.push_back(first + size(p) * s.page_bytes());
    return all;
  }
  std::byte* page(std::int64_t position) { return bytes.data() + size(position / kPage) * s.page_bytes(); }

  std::vector<cuda::RowPlace> places(std::int64_t first, std::int64_t n) const {
    std::vector<cuda::RowPlace> all;
    for (std::int64_t p = first; p < first + n; ++p)
      all.push_back({const_cast<std::byte*>(device_pages[size(p / kPage)]), p, p + 1, page_table.data()});
    return all;
  }

  void finish(float* x, const std::vector<float>& norm, std::int64_t head, std::int64_t position) const {
    const float* weight = norm.data() + (s.own_norms ? head * s.head_dim : 0);
    if (s.normed) table_scalar.rms_norm(x, x, weight, s.head_dim, 1e-5f);
    table_scalar.rope(x, cos.data() + position * pairs, sin.data() + position * pairs, 1, s.head_dim, s.n_rot,
                      s.layout);
  }

  /// Stores all positions there, then here; both are the same.
  void store() {
    const OnDevice<float> dq(q), dk(k), dv(v), dcos(cos), dsin(sin), dq_norm(q_norm), dk_norm(k_norm);
    const OnDevice<cuda::RowPlace> all(places(0, s.n_positions));
    const DeviceWatch watch;
    cuda::HeadSteps steps;
    if (s.normed) steps = {{dq_norm.data()}, {dk_norm.data()}, s.own_norms, {cuda::NormKind::rms, 1e-5f}};
    steps.rope = s.layout;
    const std::int64_t n = s.n_positions, kv_dim = s.n_kv_head * s.head_dim;
    cuda::rotate_and_store(nullptr, watch.at(3), steps, rows(dq, n, s.n_head * s.head_dim), rows(dk, n, kv_dim),
                           rows(dv, n, kv_dim), rows(dcos, n, pairs), rows(dsin, n, pairs), shape, all.data());
    bool finite = true;
    for (std::int64_t p = 0; p < n; ++p) {
      for (std::int64_t h = 0; h < s.n_head; ++h) finish(&q[size((p * s.n_head + h) * s.head_dim)], q_norm, h, p);
      for (std::int64_t h = 0; h < s.n_kv_head; ++h) {
        float* key = &k[size((p * s.n_kv_head + h) * s.head_dim)];
        finish(key, k_norm, h, p);
        finite = table_scalar.kv_store(page(p) + s.k_offset(h), page(p) + s.k_offset(h) + s.head_bytes(), key,
                                       &v[size((p * s.n_kv_head + h) * s.head_dim)], p % kPage, s.head_dim, s.type) &&
                 finite;
      }
    }
    CHECK(same_bits(dq.values(), q));
    CHECK(same_bits(device_bytes.values(), bytes));
    CHECK(watch.noted() == (finite ? ~0ull : 3));
  }

  /// Attention of positions first … first + n - 1, all of them rows of one pass.
  void attend(std::int64_t first, std::int64_t n) {
    const std::int64_t width = s.n_head * s.head_dim, out_width = s.n_head * s.value_dim();
    const OnDevice<float> dq(std::vector<float>(q.begin() + first * width, q.begin() + (first + n) * width));
    const OnDevice<cuda::RowPlace> all(places(first, n));
    std::vector<cuda::AttendTile> cut;
    for (std::int64_t row = 0; row < n; row += cuda::attend_rows(shape))
      cut.push_back({row, std::min(cuda::attend_rows(shape), n - row)});
    const OnDevice<cuda::AttendTile> tiles(cut);
    const OnDevice<float> out(size(n * out_width));
    const std::int64_t longest = first + n + s.slack;
    const OnDevice<std::byte> scratch(cuda::attend_scratch_bytes(n, shape, longest), std::byte{0xFF});
    cuda::attend(nullptr, rows(dq, n, width), shape, tiles.data(), static_cast<std::int64_t>(cut.size()), all.data(),
                 longest, scratch.data(), rows(out, n, out_width));
    std::vector<float> expected(size(n * out_width));
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t h = 0; h < s.n_head; ++h) {
        const std::int64_t kv_head = h / (s.n_head / s.n_kv_head), p = first + i;
        AttendArgs args{pages.data(), s.k_offset(kv_head), s.k_offset(kv_head) + s.head_bytes(), s.type, s.head_dim, 1};
        args.query[0] = &q[size((p * s.n_head + h) * s.head_dim)];
        args.out[0] = &expected[size((i * s.n_head + h) * s.value_dim())];
        args.begin[0] = s.window == 0 || p < s.window ? 0 : p - s.window + 1;
        args.end[0] = p + 1;
        args.scale = shape.scale;
        args.soft_cap = s.soft_cap;
        args.sink[0] = s.sinks ? &sinks[size(h)] : nullptr;
        args.slope[0] = s.slopes ? slopes[size(h)] : 0.0f;
        args.position[0] = p;
        args.latent_dim = s.latent_dim;
        table_scalar.attend(args);
      }
    CHECK(same_bits(out.values(), expected));
  }
};

void check(const Setting& s) {
  Rng rng(static_cast<std::uint64_t>(s.head_dim * 1000 + s.n_positions));
  Sequence sequence(rng, s);
  INFO("head_dim " << s.head_dim << " positions " << s.n_positions << " type " << kv_info(s.type).name);
  sequence.store();
  sequence.attend(s.n_positions - 1, 1);
  sequence.attend(s.n_positions - 7, 7);
}

}  // namespace

TEST_CASE("CUDA: cache and attention have scalar's bits for every cache type, head size and length") {
  if (no_device()) return;
  for (const KvType type : {KvType::f32, KvType::f16, KvType::q8_0})
    for (const std::int64_t head_dim : {8, 20, 32, 64, 80, 128, 256}) {
      if (!kv_fits(type, head_dim)) continue;
      Setting s{type, head_dim, 4, 2, head_dim == 64 ? 200 : 70, head_dim / 4 * 2};
      s.layout = head_dim % 3 == 2 ? RopeLayout::adjacent : RopeLayout::halves;
      check(s);
    }
}

TEST_CASE("CUDA: norms of heads, windows, sinks, slopes, caps, and heads that share or do not") {
  if (no_device()) return;
  Setting s;
  s.head_dim = s.n_rot = 32;
  for (const std::int64_t n_kv_head : {1, 2, 6}) {
    s.n_head = 6;
    s.n_kv_head = n_kv_head;
    s.normed = n_kv_head != 1;
    s.own_norms = n_kv_head == 6;
    s.sinks = n_kv_head != 6;
    s.slopes = n_kv_head != 2;
    s.soft_cap = n_kv_head == 2 ? 1.5f : 0.0f;
    for (const std::int64_t window : {0, 3, 70}) {
      s.window = window;
      s.n_positions = 150;
      s.slack = 100;
      check(s);
      s.n_positions = 60;  // one chunk: not split
      s.slack = 0;
      check(s);
    }
  }
}

TEST_CASE("CUDA: many heads of one K/V head, and whole rows where there are many") {
  if (no_device()) return;
  Setting s;
  s.head_dim = s.n_rot = 16;
  s.n_head = 20;
  s.n_kv_head = 1;
  check(s);
  s.n_head = s.n_kv_head = 140;  // so many blocks of threads that positions are not split
  s.head_dim = s.n_rot = 8;
  s.sinks = true;
  s.window = 67;
  Rng rng(3);
  Sequence sequence(rng, s);
  sequence.store();
  CHECK(cuda::attend_scratch_bytes(40, sequence.shape, 170) == 0);
  sequence.attend(s.n_positions - 40, 40);
}

TEST_CASE("CUDA: positions are split where what is handed over has room") {
  cuda::AttentionShape shape{};
  shape.n_head = 32, shape.n_kv_head = 8, shape.kv_type = KvType::f16, shape.head_dim = 128;
  constexpr std::size_t kLimit = std::size_t{256} << 20;
  for (std::int64_t longest = 256; longest < 1 << 20; longest *= 2)
    for (const std::int64_t n : {2, 7, 8, 40, 128}) {
      INFO("rows " << n << " longest " << longest);
      const std::size_t all = sizeof(float) * size(n * 32 * longest / kPage * 130);
      CHECK(cuda::attend_scratch_bytes(1, shape, longest) == all / size(n));
      CHECK(cuda::attend_scratch_bytes(n, shape, longest) == (all <= kLimit ? all : 0));
    }
  if (no_device()) return;
  Setting s;
  s.slack = 3'000'000;  // few rows, yet not split
  check(s);
  s.sinks = true;
  s.window = 67;
  s.n_positions = 150;
  check(s);
}

TEST_CASE("CUDA: heads that have no room are told from those that have") {
  const auto fits = [](KvType type, std::int64_t head_dim, std::int64_t latent_dim) {
    cuda::AttentionShape shape{};
    shape.n_head = shape.n_kv_head = 1, shape.kv_type = type, shape.head_dim = head_dim, shape.latent_dim = latent_dim;
    return cuda::can_attend(shape);
  };
  for (const KvInfo& kv : kKvTypes) CHECK((fits(kv.type, 64, 0) && fits(kv.type, 256, 0) && fits(kv.type, 576, 512)));
  CHECK(fits(KvType::f16, 512, 0));
  CHECK_FALSE(fits(KvType::f32, 512, 0));
  for (const KvInfo& kv : kKvTypes) CHECK_FALSE(fits(kv.type, 544, 0));
}

TEST_CASE("CUDA: what f16 cannot hold is noted") {
  if (no_device()) return;
  for (const KvType type : {KvType::f16, KvType::q8_0}) {
    Rng rng(6);
    Setting s;
    s.type = type;
    s.n_positions = 2;
    Sequence sequence(rng, s);
    sequence.v[17] = 65504.0f * (type == KvType::f16 ? 2 : 128);
    sequence.store();
  }
}

TEST_CASE("CUDA: latents are normed, turned, stored and attended with scalar's bits") {
  if (no_device()) return;
  constexpr std::int64_t n_rot = 32, q_dim = 48;
  for (const KvType type : {KvType::f32, KvType::f16, KvType::q8_0})
    for (const std::int64_t latent_dim : {64, 320}) {
      Rng rng(11);
      Setting s{type, latent_dim + n_rot, 5, 1, 70, n_rot};
      s.latent_dim = latent_dim;
      Sequence sequence(rng, s);
      const std::int64_t n = s.n_positions;
      std::vector<float> latents = random_floats(rng, size(n * s.head_dim)),
                         queries = random_floats(rng, size(n * 5 * q_dim));
      const std::vector<float> weight = random_floats(rng, size(latent_dim));
      const OnDevice<float> dq(queries), dabsorbed(sequence.q), dlatents(latents), dweight(weight), dcos(sequence.cos),
          dsin(sequence.sin);
      const OnDevice<cuda::RowPlace> places(sequence.places(0, n));
      const DeviceWatch watch;
      cuda::rotate_and_store_latent(nullptr, watch.at(1), {dweight.data()}, {cuda::NormKind::rms, 1e-6f},
                                    RopeLayout::adjacent, rows(dq, n, 5 * q_dim), rows(dabsorbed, n, 5 * s.head_dim),
                                    rows(dlatents, n, s.head_dim), rows(dcos, n, n_rot / 2), rows(dsin, n, n_rot / 2),
                                    sequence.shape, places.data());
      for (std::int64_t p = 0; p < n; ++p) {
        const float *cos = &sequence.cos[size(p * n_rot / 2)], *sin = &sequence.sin[size(p * n_rot / 2)];
        float* absorbed = &sequence.q[size(p * 5 * s.head_dim)];
        for (std::int64_t h = 0; h < 5; ++h)
          std::memcpy(absorbed + h * s.head_dim + latent_dim, &queries[size((p * 5 + h + 1) * q_dim - n_rot)],
                      n_rot * sizeof(float));
        table_scalar.rope(absorbed + latent_dim, cos, sin, 5, s.head_dim, n_rot, RopeLayout::adjacent);
        float* latent = &latents[size(p * s.head_dim)];
        table_scalar.rms_norm(latent, latent, weight.data(), latent_dim, 1e-6f);
        table_scalar.rope(latent + latent_dim, cos, sin, 1, s.head_dim, n_rot, RopeLayout::adjacent);
        REQUIRE(table_scalar.kv_store(sequence.page(p) + Setting::kLayer, nullptr, latent, nullptr, p % kPage,
                                      s.head_dim, type));
      }
      INFO("latent " << latent_dim << " type " << kv_info(type).name);
      CHECK(same_bits(dabsorbed.values(), sequence.q));
      CHECK(same_bits(sequence.device_bytes.values(), sequence.bytes));
      sequence.attend(n - 1, 1);
      sequence.attend(n - 3, 3);
    }
}
