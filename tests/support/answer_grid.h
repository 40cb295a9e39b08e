// Enters: a model file and token ids. Leaves: the law of one answer, checked over instruction sets, threads, chunks and layouts.
#pragma once

#include <cstring>
#include <hearth/hearth.hpp>
#include <span>
#include <string>
#include <vector>

#include "dispatch.h"
#include "support/catch.hpp"
#include "support/sanitized.h"

namespace hearth::test {

/// The logits of each position, one after another.
inline std::vector<float> logits_of(const std::string& path, const ModelOptions& model_options,
                                    const SessionOptions& session_options, std::span<const std::int32_t> ids) {
  auto model = Model::open(path, model_options);
  if (!model) FAIL(model.error().message());
  auto session = model->session(session_options);
  if (!session) FAIL(session.error().message());
  std::vector<float> all;
  auto done = session->evaluate(ids, [&](std::span<const float> logits) {
    all.insert(all.end(), logits.begin(), logits.end());
    return true;
  });
  if (!done) FAIL(done.error().message());
  return all;
}

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

inline std::vector<std::string> isas_here() {
  std::vector<std::string> names;
  for (const kernels::KernelTable* table : kernels::runnable()) names.push_back(table->name);
  return names;
}

/// Thin leaves out pairs that the full grid, run on other models through the same code, covers. Sparse has one thread with all
/// others, and more threads with one chunk each: teams of threads in many small passes are slow where others compute too.
/// Scalar, which takes ten times as long as all others together, has the full grid alone in whole.
enum class Grid { full, thin, sparse };

inline bool left_out_of_sparse(int threads, std::int64_t chunk) {
  return threads != 1 && chunk != (threads == 2 ? 32 : 512);
}

#ifdef HEARTH_TEST_SANITIZED
inline constexpr bool every_pair =
    false;  // what runs is seen as well without; that the bits agree is the plain build's to say
#else
inline constexpr bool every_pair = true;
#endif

inline bool left_out(Grid grid, bool scalar, int threads, std::int64_t chunk, Weights weights) {
  if (!every_pair && left_out_of_sparse(threads, chunk)) return true;
  if (grid != Grid::full && scalar) return threads != 1 || chunk != (weights == Weights::file ? 1 : 32);
  if (grid == Grid::thin) return threads == 2 || chunk == 7 || (threads == 3 && chunk == 1 && weights == Weights::file);
  return grid == Grid::sparse && left_out_of_sparse(threads, chunk);
}

inline void check_grid(const std::string& path, std::span<const std::int32_t> ids, Kv kv, Grid grid = Grid::full,
                       std::int64_t n_ctx = 0) {
  const std::vector<float> expected = logits_of(path, {.threads = 1, .isa = "scalar", .weights = Weights::file},
                                                {.n_ctx = n_ctx, .kv = kv, .chunk = 512}, ids);
  for (const std::string& isa : isas_here())
    for (const int threads : {1, 2, 3})
      for (const std::int64_t chunk : {1, 7, 32, 512})
        for (const Weights weights : {Weights::file, Weights::repacked}) {
          if (left_out(grid, isa == "scalar", threads, chunk, weights)) continue;
          INFO(path << " " << isa << " threads=" << threads << " chunk=" << chunk
                    << (weights == Weights::file ? " file" : " repacked"));
          REQUIRE(same_bits(expected, logits_of(path, {.threads = threads, .isa = isa, .weights = weights},
                                                {.n_ctx = n_ctx, .kv = kv, .chunk = chunk}, ids)));
        }
}

}  // namespace hearth::test
