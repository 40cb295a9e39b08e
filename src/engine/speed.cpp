// Enters: a loaded model. Leaves: how fast it reads a prompt and decodes.
#include "speed.h"

#include <algorithm>

#include "elapsed.h"
#include "hash.h"
#include "host.h"
#include "progress.h"
#include "try.h"

namespace hearth::engine {
namespace {

constexpr const char* kStopped = "; bench; start it again";

std::int32_t made_up_token(std::int64_t i, std::int64_t n_vocab) {
  return static_cast<std::int32_t>((i * 7919 + 1) % n_vocab);
}

Result<double> time_prompt(const LoadedModel& model, model::KvCache& cache, model::Workspace& space,
                           std::int64_t n_prompt, const CallOptions& options) {
  const auto start = Clock::now();
  for (std::int64_t begin = 0; begin < n_prompt; begin += space.n_rows()) {
    const std::int64_t end = std::min(n_prompt, begin + space.n_rows());
    std::vector<model::Row> rows;
    for (std::int64_t i = begin; i < end; ++i)
      rows.push_back({&cache, i, made_up_token(i, model.config().n_vocab), i + 1 == n_prompt});
    HEARTH_CHECK(goes_on(options, 0, kStopped));
    HEARTH_CHECK(model.forward(rows, space));
  }
  return seconds_since(start);
}

Result<double> time_steps(const LoadedModel& model, std::vector<model::KvCache>& caches, model::Workspace& space,
                          std::int64_t n_steps, std::int64_t depth, const CallOptions& options) {
  constexpr kernels::Draw greedy;  // as a text is written; the last logits are asked for
  const auto start = Clock::now();
  for (std::int64_t step = 0; step < n_steps; ++step) {
    std::vector<model::Row> rows;
    for (std::size_t s = 0; s < caches.size(); ++s)
      rows.push_back({&caches[s], depth + step,
                      made_up_token(step + static_cast<std::int64_t>(s) * 31, model.config().n_vocab), true,
                      step + 1 < n_steps ? std::optional(greedy) : std::nullopt});
    HEARTH_CHECK(goes_on(options, 0, kStopped));
    HEARTH_CHECK(model.forward(rows, space));
  }
  return seconds_since(start);
}

// Caches are written at once, by the prompt or at a depth that was never computed: asking for too much would end the process, not fail.
Result<void> check_memory(const LoadedModel& model, kernels::KvType type, std::int64_t n_sequences, std::int64_t n_ctx,
                          std::int64_t n_pass) {
  const model::Placement& placement = model.placement();
  const model::PlacedBytes all = model::KvCache::bytes(model.config(), type, n_ctx, n_pass, placement)
                                     .times(static_cast<std::uint64_t>(n_sequences));
  const auto shortage = shortage_of(all, placement, model.spoken_for());
  if (!shortage) return {};
  const auto gigabytes = [](std::uint64_t bytes) { return std::to_string(static_cast<double>(bytes) / 1e9) + " GB"; };
  return Error(Status::out_of_memory, std::to_string(n_sequences) + " sequences of " + std::to_string(n_ctx) +
                                          " positions need " + gigabytes(shortage->needed) + ", " +
                                          gigabytes(shortage->left) +
                                          " are left; bench; ask for a smaller -p, --batch or --depth");
}

// Beyond what it was trained for a model that turns its positions writes nonsense as fast as sense; one that looks them up has none.
Result<void> check_positions(const model::Config& c, std::int64_t n_positions) {
  if (c.arch->positions != model::Positions::learned || n_positions <= c.n_ctx_train) return {};
  return Error(Status::invalid_argument, "a run takes " + std::to_string(n_positions) +
                                             " positions, the model has a table of " + std::to_string(c.n_ctx_train) +
                                             "; bench; ask for a smaller -p, -n or --depth");
}

}  // namespace

Result<Speed> measure_speed(const LoadedModel& model, kernels::KvType type, std::int64_t chunk, std::int64_t n_prompt,
                            std::int64_t n_steps, std::int64_t n_sequences, std::int64_t depth,
                            const CallOptions& options) {
  HEARTH_CHECK(model.check_generates());
  HEARTH_CHECK(check_chunk(chunk));
  const model::Config& c = model.config();
  HEARTH_CHECK(check_positions(c, std::max(n_prompt, n_steps > 0 ? depth + n_steps : 0)));
  Speed speed;
  if (n_prompt > 0) {
    const std::int64_t n_pass = std::min(chunk, n_prompt);
    HEARTH_CHECK(check_memory(model, type, 1, n_prompt, n_pass));
    HEARTH_TRY(auto cache, model::KvCache::make(c, type, n_prompt, n_pass, model.pool_apart()));
    HEARTH_TRY(auto space, model::Workspace::make(c, n_pass, 1, model.placement()));
    HEARTH_TRY(speed.prefill_seconds, time_prompt(model, cache, space, n_prompt, options));
  }
  if (n_steps > 0) {
    HEARTH_CHECK(check_memory(model, type, n_sequences, depth + n_steps, 1));
    std::vector<model::KvCache> caches;
    for (std::int64_t s = 0; s < n_sequences; ++s) {
      HEARTH_TRY(auto cache, model::KvCache::make(c, type, depth + n_steps, 1, model.pool_apart()));
      HEARTH_CHECK(cache.fill_with_zero(depth));
      caches.push_back(std::move(cache));
    }
    HEARTH_TRY(auto space, model::Workspace::make(c, n_sequences, n_sequences, model.placement()));
    HEARTH_TRY(speed.decode_seconds, time_steps(model, caches, space, n_steps, depth, options));
    speed.logits_hash = fnv1a({space.ended_with, static_cast<std::size_t>(c.n_vocab)});
  }
  return speed;
}

}  // namespace hearth::engine
