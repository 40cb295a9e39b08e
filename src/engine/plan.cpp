// Enters: a file's header and options. Leaves: what running the model takes and how it is done.
#include "plan.h"

#include <algorithm>
#include <map>

#include "chat_template.h"
#include "cpu_backend.h"
#include "device_weights.h"
#include "dispatch.h"
#include "escape.h"
#include "host.h"
#include "kv_cache.h"
#include "parallel.h"
#include "repack.h"
#include "saturating.h"
#include "settings.h"
#include "tokenizer.h"
#include "try.h"
#include "workspace.h"

namespace hearth::engine {
namespace {

constexpr double kMemoryShare = 0.7;  // of what the container or machine grants (DESIGN.md, "Weights in memory")

std::string text_at(const gguf::File& file, std::string_view key) {
  const auto text = file.optional_string(key);
  return text && *text ? std::string(**text) : std::string();
}

std::string tokenizer_name(const gguf::File& file, const std::string& pre) {
  const std::string model = text_at(file, "tokenizer.ggml.model"),
                    rules = pre.empty() ? text_at(file, "tokenizer.ggml.pre") : pre;
  return rules.empty() ? model : model + " " + rules;
}

/// How the model's replies are written, which is what its template is known by; empty: it has none.
std::string template_name(const gguf::File& file) {
  const auto source = text::chat_template_source(file, false);
  return source ? std::string(text::reply_format(*source).name) : std::string();
}

Work work_of(const Plan& plan, const model::Config& c, const model::Weights& weights,
             const kernels::KernelTable& table) {
  std::map<kernels::Format, double> macs;  // of a prompt's token: those but the last need no logits
  const double idle =
      c.n_expert > 0 ? static_cast<double>(c.n_expert - c.n_expert_used) / static_cast<double>(c.n_expert) : 0;
  const auto add = [&](const model::Matrix& m, double share) {
    macs[m.format] += share * static_cast<double>(m.n_rows) * static_cast<double>(m.k);
  };
  weights.visit_matrices([&](const model::Matrix& m) { add(m, m.file == weights.output.file ? 0 : 1); });
  for (const model::LayerWeights& layer : weights.layers)
    for (const model::Stack* experts : {&layer.expert_gate, &layer.expert_up, &layer.expert_down})
      for (const model::Matrix& m : *experts) add(m, -idle);
  Work work{&table, weights.output.format, weights.matrix_bytes(c, plan.batch), weights.matrix_bytes(c, plan.chunk), 0};
  double most = 0;
  for (const auto& [format, n] : macs) {
    work.token_macs += n;
    if (n > most) work.format = format, most = n;
  }
  return work;
}

/// Of the file's tensors, those that stay in use: copied and repacked ones are let go. An embedding table comes into memory as texts use its
/// rows, with whatever lies around them: in the end it is all there.
std::uint64_t mapped_bytes(const gguf::File& file, const model::Weights& weights, const model::Share& cpu,
                           bool repacked) {
  std::uint64_t bytes = 0;
  if (cpu.placement.n_devices() > 1) bytes = model::file_bytes(weights, cpu);
  else {
    for (const gguf::Tensor& tensor : file.tensors()) bytes += tensor.data.size();
    for (const std::span<const std::byte> copied : weights.copied_from()) bytes -= copied.size();
  }
  return bytes - (repacked ? std::min(bytes, model::replaced_bytes(weights, cpu)) : 0);
}

/// What is open, and who computes what.
struct Opened {
  const Devices& devices;
  const model::Placement& placement;
  const model::Config& config;
  const model::Weights& weights;
};

model::PlacedBytes device_weights(const Opened& o) {
  model::PlacedBytes bytes(o.placement);
  for (std::size_t d = 0; d < o.devices.size(); ++d)
    bytes.add(o.placement, d, {model::device_weights_bytes(o.weights, {o.placement, d}), 0});
  return bytes;
}

/// What passes write besides: everything but the CPU's own scratch.
model::PlacedBytes scratch(const Opened& o, kernels::KvType kv, std::int64_t n_ctx, std::int64_t n_rows,
                           std::int64_t n_logits, std::int64_t n_sequences) {
  model::PlacedBytes bytes = model::Workspace::bytes(o.config, n_rows, n_logits, o.placement);
  for (std::size_t d = 0; d < o.devices.size(); ++d)
    bytes.add(o.placement, d,
              o.devices[d]->bytes(model::KvCache::limits(o.config, kv, n_ctx, n_rows, n_sequences, {o.placement, d})));
  return bytes;
}

/// Each device's part, once everything is chosen.
void list_devices(Plan& plan, const Opened& o, const model::PlacedBytes& needed) {
  const auto n_layer = [&](std::size_t device) {
    return std::count(o.placement.layers.begin(), o.placement.layers.end(), device);
  };
  plan.device = device_names(o.devices, o.placement);
  for (std::size_t d = 0; d < o.devices.size(); ++d) {
    plan.devices.push_back({o.devices[d]->name(), n_layer(d), model::Share{o.placement, d}.routes(o.config),
                            needed.devices[d], o.placement.heaps[d]->left()});
    plan.device_available_bytes += plan.devices.back().available_bytes;
    plan.fits &= plan.devices.back().bytes <= plan.devices.back().available_bytes;
  }
  plan.device_bytes = needed.on_devices();
  if (!on_cpu(o.placement)) return;
  const model::Share cpu = cpu_share(o.placement);
  plan.devices.push_back({"cpu", o.devices.empty() ? o.config.n_layer : n_layer(cpu.device), cpu.routes(o.config),
                          needed.host, plan.available_bytes});
}

/// The bytes, once everything else is chosen.
void count(Plan& plan, const Opened& o, const gguf::File& file, const kernels::KernelTable& table, bool mapped) {
  const model::Share cpu = cpu_share(o.placement);
  const bool computes = on_cpu(o.placement), repacked = computes && plan.weights == Weights::repacked;
  const kernels::KvType kv = kv_type(plan.kv);
  const std::uint64_t read = mapped ? 0 : file.file_bytes(),
                      in_file = mapped && computes ? mapped_bytes(file, o.weights, cpu, repacked) : 0;
  model::PlacedBytes weights = device_weights(o), needed(o.placement);
  weights.host = saturating_add(repacked ? model::repacked_bytes(o.weights, cpu) : 0,
                                o.weights.copied_bytes(o.config) + read + in_file);
  const model::PlacedBytes kv_bytes = model::KvCache::bytes(o.config, kv, plan.n_ctx, plan.chunk, o.placement)
                                          .times(static_cast<std::uint64_t>(plan.batch));
  const PassRoom room =
      plan.batch == 1 ? PassRoom{plan.chunk, session_logits(plan.chunk)} : engine_room(plan.chunk, plan.batch);
  model::PlacedBytes space = scratch(o, kv, plan.n_ctx, room.rows, room.logits, plan.batch);
  if (computes)
    space.host = saturating_add(space.host, backend::CpuBackend::bytes(table, plan.threads, o.config.widest()));
  needed.add(weights), needed.add(kv_bytes), needed.add(space);
  plan.weights_bytes = weights.total();
  plan.kv_bytes = kv_bytes.total();
  plan.scratch_bytes = space.total();
  plan.total_bytes = needed.total();
  plan.allocated_bytes =
      saturating_add(saturating_add(plan.weights_bytes - in_file, plan.kv_bytes), plan.scratch_bytes);
  plan.available_bytes = available_memory();
  plan.fits = needed.host <= plan.available_bytes;
  list_devices(plan, o, needed);
}

}  // namespace

Result<const kernels::KernelTable*> choose_isa(const std::string& name) {
  if (name.empty()) return &kernels::best();
  std::string here;
  for (const kernels::KernelTable* table : kernels::runnable())
    here += (here.empty() ? "" : ", ") + std::string(table->name);
  const kernels::KernelTable* table = kernels::find(name);
  if (!table)
    return Error(
        Status::invalid_argument,
        "instruction set '" + escape(name) + "' is unknown to this build; --isa or HEARTH_ISA; choose one of: " + here);
  if (!table->runs_here())
    return Error(Status::unsupported, "instruction set '" + name + "' needs " + table->needs +
                                          ", which this CPU lacks; --isa or HEARTH_ISA; choose one of: " + here);
  return table;
}

int usual_threads(const model::Placement& placement) { return on_cpu(placement) ? usable_processors() : 1; }

std::uint64_t left_but_for(const Heap& heap, std::uint64_t spoken_for) {
  const std::uint64_t left = heap.left();
  return left - std::min(left, spoken_for);
}

std::uint64_t memory_budget(const Heap& heap, std::uint64_t spoken_for) {
  return static_cast<std::uint64_t>(kMemoryShare * static_cast<double>(left_but_for(heap, spoken_for)));
}

KvBudget KvBudget::of(const model::Placement& placement, const model::PlacedBytes& spoken_for, std::uint64_t total) {
  KvBudget budget{model::PlacedBytes(placement), total};
  for (std::size_t d = 0; d < placement.n_devices(); ++d)
    if (const Heap& heap = *placement.heaps[d]; !heap.on_host())
      budget.placed.devices[d] = memory_budget(heap, spoken_for.devices[d]);
  budget.placed.host = memory_budget(host_heap(), spoken_for.host);
  return budget;
}

KvBudget KvBudget::divided(std::int64_t n) const {
  const auto by = static_cast<std::uint64_t>(n);
  KvBudget part = *this;
  for (std::uint64_t& bytes : part.placed.devices) bytes /= by;
  part.placed.host /= by;
  part.total /= by;
  return part;
}

std::uint64_t bytes_when_repacked(const model::Config& c, const model::Weights& weights,
                                  const model::Placement& placement) {
  const SessionOptions usual;
  const std::uint64_t kv = model::KvCache::bytes(c, kv_type(usual.kv), c.n_ctx_train, usual.chunk, placement).host,
                      space = model::Workspace::bytes(c, std::min(usual.chunk, c.n_ctx_train), 1, placement).host;
  const std::uint64_t own = model::repacked_bytes(weights, cpu_share(placement)) + weights.copied_bytes(c);
  return saturating_add(saturating_add(own, space), kv);
}

model::PlacedBytes bytes_when_placed(const Devices& devices, const model::Placement& placement, const model::Config& c,
                                     const model::Weights& weights) {
  const SessionOptions usual;
  const Opened o{devices, placement, c, weights};
  const std::int64_t n_ctx = std::min(kAutoContext, c.n_ctx_train), chunk = std::min(usual.chunk, n_ctx);
  model::PlacedBytes all = device_weights(o);
  all.add(model::KvCache::bytes(c, kv_type(usual.kv), n_ctx, chunk, placement));
  all.add(scratch(o, kv_type(usual.kv), n_ctx, chunk, session_logits(chunk), 1));
  return all;
}

Result<Weights> choose_weights(const model::Config& config, const model::Weights& weights,
                               const model::Placement& placement, Weights wanted) {
  if (!on_cpu(placement) && wanted == Weights::file)
    return Error(Status::unsupported, "a device reads weights in its own layout only; device " +
                                          placement.heaps.front()->name() + "; use --weights auto or repacked");
  if (!on_cpu(placement)) return Weights::repacked;
  if (wanted != Weights::automatic) return wanted;
  const bool something = model::repacked_bytes(weights, cpu_share(placement)) != 0;
  return something && bytes_when_repacked(config, weights, placement) <= memory_budget(host_heap()) ? Weights::repacked
                                                                                                    : Weights::file;
}

kernels::KvType kv_type(Kv kv) {
  switch (kv) {
    case Kv::f16:
      return kernels::KvType::f16;
    case Kv::f32:
      return kernels::KvType::f32;
    case Kv::q8_0:
      return kernels::KvType::q8_0;
  }
  return kernels::KvType::f16;
}

Result<void> check_chunk(std::int64_t chunk) {
  constexpr std::int64_t kLongest = 4096;
  if (chunk >= 1 && chunk <= kLongest) return {};
  return Error(Status::invalid_argument, "a chunk of " + std::to_string(chunk) +
                                             " was asked for; --chunk; choose 1 to " + std::to_string(kLongest));
}

std::int64_t fitting_context(const model::Config& config, kernels::KvType type, std::int64_t chunk,
                             const KvBudget& budget, const model::Placement& placement) {
  std::int64_t fits = 1, too_many = config.n_ctx_train + 1;  // bytes grow with the context, by steps
  while (too_many - fits > 1) {
    const std::int64_t middle = fits + (too_many - fits) / 2;
    (budget.holds(model::KvCache::bytes(config, type, middle, chunk, placement)) ? fits : too_many) = middle;
  }
  return fits;
}

Result<std::int64_t> choose_context(const model::Config& c, const SessionOptions& options, const KvBudget& budget,
                                    const model::Placement& placement) {
  if (options.n_ctx < 0 || options.n_ctx > c.n_ctx_train)
    return Error(Status::invalid_argument,
                 "a context of " + std::to_string(options.n_ctx) + " was asked for, the model was trained for " +
                     std::to_string(c.n_ctx_train) + " positions; --ctx; choose 1 to " + std::to_string(c.n_ctx_train));
  HEARTH_CHECK(check_chunk(options.chunk));
  return options.n_ctx != 0 ? options.n_ctx : fitting_context(c, kv_type(options.kv), options.chunk, budget, placement);
}

std::int64_t session_logits(std::int64_t chunk) { return std::min(1 + GenerateOptions().n_draft, chunk); }

PassRoom engine_room(std::int64_t chunk, std::int64_t n_parallel) {
  const std::int64_t n_decode = std::max(kDecodeRows, n_parallel);
  return {n_decode + chunk, n_decode};
}

Error Shortage::error(const std::string& what, const std::string& where_and_to_do) const {
  return Error(Status::out_of_memory, what + " needs " + std::to_string(needed) + " bytes, " + std::to_string(left) +
                                          " are left" + (heap->on_host() ? "" : " on " + heap->name()) + "; " +
                                          where_and_to_do);
}

std::optional<Shortage> shortage_of(const model::PlacedBytes& needed, const model::Placement& placement,
                                    const model::PlacedBytes& spoken_for) {
  std::optional<Shortage> found;
  const auto look = [&](const Heap& heap, std::uint64_t bytes, std::uint64_t others) {
    if (found || bytes == 0) return;
    if (const std::uint64_t left = left_but_for(heap, others); bytes > left) found = {&heap, bytes, left};
  };
  for (std::size_t d = 0; d < placement.n_devices(); ++d)
    look(*placement.heaps[d], needed.devices[d], spoken_for.devices[d]);
  look(host_heap(), needed.host, spoken_for.host);
  return found;
}

Result<void> check_memory(const Heap& heap, std::uint64_t needed, const std::string& what,
                          const std::string& where_and_to_do) {
  if (const std::uint64_t left = heap.left(); needed > left)
    return Shortage{&heap, needed, left}.error(what, where_and_to_do);
  return {};
}

Result<PlanAndWork> make_plan(const std::string& path, const ModelOptions& how, const SessionOptions& what,
                              std::int64_t batch) {
  constexpr std::int64_t kMostBatch = 256;
  if (batch < 1 || batch > kMostBatch)
    return Error(Status::invalid_argument, "a batch of " + std::to_string(batch) +
                                               " was asked for; --batch; choose 1 to " + std::to_string(kMostBatch));
  HEARTH_TRY(const kernels::KernelTable* table, choose_isa(how.isa));
  HEARTH_TRY(auto devices, open_devices(how.device));
  if (how.threads != 0) HEARTH_CHECK(Team::check(how.threads));
  HEARTH_TRY(const auto file, gguf::File::open(path));
  HEARTH_TRY(const model::Config c, model::read_config(file));
  HEARTH_TRY(const auto weights, model::Weights::bind(c, file));
  HEARTH_TRY(const model::Placement placement, choose_placement(devices, how, c, weights));
  // A vocabulary may have no pre-tokenizer to choose, and a name may be nobody's.
  if (!how.pre.empty()) HEARTH_CHECK(text::Tokenizer::from(file, {.pre = how.pre}));
  const Opened opened{devices, placement, c, weights};
  Plan plan;
  plan.path = path;
  plan.name = text_at(file, "general.name");
  plan.architecture = c.arch->name;
  plan.tokenizer = tokenizer_name(file, how.pre);
  plan.chat_template = template_name(file);
  plan.isa = table->name;
  for (const sample::Step& step : sample::steps()) plan.samplers.push_back(step.name);
  plan.threads = how.threads != 0 ? how.threads : usual_threads(placement);
  HEARTH_TRY(plan.weights, choose_weights(c, weights, placement, how.weights));
  plan.kv = what.kv;
  plan.n_ctx_train = c.n_ctx_train;
  plan.batch = batch;
  HEARTH_CHECK(model::KvCache::check_type(c, kv_type(what.kv)));
  model::PlacedBytes spoken_for = device_weights(opened);
  spoken_for.host += weights.copied_bytes(c);
  if (on_cpu(placement)) {
    const bool repacked = plan.weights == Weights::repacked;
    spoken_for.host +=
        (repacked ? model::repacked_bytes(weights, cpu_share(placement)) : 0) + (how.mmap ? 0 : file.file_bytes());
  }
  const KvBudget budget = KvBudget::of(placement, spoken_for, how.kv_budget != 0 ? how.kv_budget : UINT64_MAX);
  HEARTH_TRY(plan.n_ctx, choose_context(c, what, budget.divided(batch), placement));
  plan.chunk = std::min(what.chunk, plan.n_ctx);
  count(plan, opened, file, *table, how.mmap);
  plan.fits &= plan.kv_bytes <= budget.total;
  const Work work = work_of(plan, c, weights, *table);
  return PlanAndWork{std::move(plan), work};
}

}  // namespace hearth::engine
