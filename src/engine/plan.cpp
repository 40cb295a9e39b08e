// Enters: a file's header and options. Leaves: what running the model takes and how it is done.
#include "plan.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "chat_template.h"
#include "cpu_backend.h"
#include "cuda.h"
#include "device_weights.h"
#include "dispatch.h"
#include "escape.h"
#include "host.h"
#include "kv_cache.h"
#include "parallel.h"
#include "repack.h"
#include "saturating.h"
#include "settings.h"
#include "try.h"
#include "workspace.h"

namespace hearth::engine {
namespace {

constexpr double kMemoryShare = 0.7;  // of what the container or machine grants (DESIGN.md, "Weights in memory")

/// Of the file's tensors, those that stay in use: repacked ones are let go. An embedding table comes into memory as texts use its
/// rows, with whatever lies around them: in the end it is all there.
std::uint64_t mapped_bytes(const gguf::File& file, const model::Weights& weights, bool repacked) {
  std::uint64_t bytes = 0;
  for (const gguf::Tensor& tensor : file.tensors()) bytes += tensor.data.size();
  if (repacked) bytes -= std::min(bytes, model::replaced_bytes(weights));
  return bytes;
}

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

Work work_of(const model::Config& c, const model::Weights& weights, const kernels::KernelTable& table) {
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
  Work work{&table, weights.output.format, weights.matrix_bytes(c), 0};
  double most = 0;
  for (const auto& [format, n] : macs) {
    work.token_macs += n;
    if (n > most) work.format = format, most = n;
  }
  return work;
}

/// A device's own bytes and the host's beside them, once everything is chosen.
void count_device(Plan& plan, const backend::Backend& device, const gguf::File& file, const model::Config& c,
                  const model::Weights& weights, bool mapped) {
  const Heap& heap = device.heap();
  const kernels::KvType kv = kv_type(plan.kv);
  const std::int64_t n_rows = std::max(plan.chunk, plan.batch),
                     n_logits = plan.batch == 1 ? session_logits(plan.chunk) : plan.batch;
  const HeapBytes space = model::Workspace::bytes(c, n_rows, n_logits, heap),
                  own = device.bytes(model::KvCache::limits(c, kv, plan.n_ctx, n_rows, plan.batch));
  const std::uint64_t read = mapped ? 0 : file.file_bytes();
  plan.device = device.name();
  plan.weights_bytes = saturating_add(model::device_weights_bytes(weights, heap), read);
  plan.kv_bytes = saturating_multiply(static_cast<std::uint64_t>(plan.batch),
                                      model::KvCache::bytes(c, kv, plan.n_ctx, plan.chunk, heap));
  plan.scratch_bytes = saturating_add(space.device + own.device, space.host + own.host);
  plan.total_bytes = saturating_add(saturating_add(plan.weights_bytes, plan.kv_bytes), plan.scratch_bytes);
  plan.allocated_bytes = plan.total_bytes;
  plan.device_bytes = plan.total_bytes - read - space.host - own.host;
  plan.device_available_bytes = heap.left();
  plan.available_bytes = available_memory();
  plan.fits =
      plan.device_bytes <= plan.device_available_bytes && plan.total_bytes - plan.device_bytes <= plan.available_bytes;
}

/// The bytes, once everything is chosen.
void count(Plan& plan, const gguf::File& file, const model::Config& c, const model::Weights& weights,
           const kernels::KernelTable& table, bool mapped) {
  const bool repacked = plan.weights == Weights::repacked;
  const std::uint64_t packed = repacked ? model::repacked_bytes(weights) : 0, read = mapped ? 0 : file.file_bytes();
  plan.kv_bytes = saturating_multiply(static_cast<std::uint64_t>(plan.batch),
                                      model::KvCache::bytes(c, kv_type(plan.kv), plan.n_ctx, plan.chunk));
  const std::int64_t n_logits = plan.batch == 1 ? session_logits(plan.chunk) : plan.batch;
  plan.scratch_bytes = saturating_add(model::Workspace::bytes(c, std::max(plan.chunk, plan.batch), n_logits),
                                      backend::CpuBackend::bytes(table, plan.threads, c.widest()));
  plan.weights_bytes = packed + (mapped ? mapped_bytes(file, weights, repacked) : read);
  plan.allocated_bytes = saturating_add(saturating_add(packed + read, plan.kv_bytes), plan.scratch_bytes);
  plan.total_bytes = saturating_add(saturating_add(plan.weights_bytes, plan.kv_bytes), plan.scratch_bytes);
  plan.available_bytes = available_memory();
  plan.fits = plan.total_bytes <= plan.available_bytes;
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

Result<std::unique_ptr<backend::Backend>> open_device(const std::string& name) {
  constexpr std::string_view kCuda = "cuda";
  if (name == "cpu") return std::unique_ptr<backend::Backend>();
  if (name == kCuda) return backend::open_cuda(0);
  int number = -1;
  const char* const end = name.data() + name.size();
  if (name.starts_with("cuda:")) {
    const auto [stop, error] = std::from_chars(name.data() + kCuda.size() + 1, end, number);
    if (error == std::errc() && stop == end && number >= 0) return backend::open_cuda(number);
  }
  return Error(Status::invalid_argument, "device '" + escape(name) + "' is unknown; --device; use cpu, cuda or cuda:N");
}

int usual_threads(const backend::Backend* device) { return device ? 1 : usable_processors(); }

std::uint64_t memory_budget(const Heap& heap, std::uint64_t spoken_for) {
  const std::uint64_t left = heap.left();
  return static_cast<std::uint64_t>(kMemoryShare * static_cast<double>(left - std::min(left, spoken_for)));
}

std::uint64_t bytes_when_repacked(const model::Config& c, const model::Weights& weights) {
  const SessionOptions usual;
  const std::uint64_t kv = model::KvCache::bytes(c, kv_type(usual.kv), c.n_ctx_train, usual.chunk);
  const std::uint64_t scratch = model::Workspace::bytes(c, std::min(usual.chunk, c.n_ctx_train), 1);
  return saturating_add(saturating_add(model::repacked_bytes(weights), scratch), kv);
}

Result<Weights> choose_placement(const backend::Backend* device, const model::Config& config,
                                 const model::Weights& weights, Weights wanted) {
  if (device && wanted == Weights::file)
    return Error(Status::unsupported, "a device reads weights in its own layout only; device " + device->name() +
                                          "; use --weights auto or repacked");
  if (device) return Weights::repacked;
  if (wanted != Weights::automatic) return wanted;
  const bool something = model::repacked_bytes(weights) != 0;
  return something && bytes_when_repacked(config, weights) <= memory_budget(host_heap()) ? Weights::repacked
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
                             std::uint64_t budget, const Heap& heap) {
  std::int64_t fits = 1, too_many = config.n_ctx_train + 1;  // bytes grow with the context, by steps
  while (too_many - fits > 1) {
    const std::int64_t middle = fits + (too_many - fits) / 2;
    (model::KvCache::bytes(config, type, middle, chunk, heap) <= budget ? fits : too_many) = middle;
  }
  return fits;
}

Result<std::int64_t> choose_context(const model::Config& c, const SessionOptions& options, std::uint64_t budget,
                                    const Heap& heap) {
  if (options.n_ctx < 0 || options.n_ctx > c.n_ctx_train)
    return Error(Status::invalid_argument,
                 "a context of " + std::to_string(options.n_ctx) + " was asked for, the model was trained for " +
                     std::to_string(c.n_ctx_train) + " positions; --ctx; choose 1 to " + std::to_string(c.n_ctx_train));
  HEARTH_CHECK(check_chunk(options.chunk));
  return options.n_ctx != 0 ? options.n_ctx : fitting_context(c, kv_type(options.kv), options.chunk, budget, heap);
}

std::int64_t session_logits(std::int64_t chunk) { return std::min(1 + GenerateOptions().n_draft, chunk); }

Result<void> check_memory(const Heap& heap, std::uint64_t needed, const std::string& what,
                          const std::string& where_and_to_do) {
  const std::uint64_t left = heap.left();
  if (needed <= left) return {};
  return Error(Status::out_of_memory, what + " needs " + std::to_string(needed) + " bytes, " + std::to_string(left) +
                                          " are left; " + where_and_to_do);
}

Result<void> check_session_fits(const model::Config& c, const SessionOptions& options, std::int64_t n_ctx,
                                const Heap& heap) {
  const std::int64_t chunk = std::min(options.chunk, n_ctx);
  const std::uint64_t kv = model::KvCache::bytes(c, kv_type(options.kv), n_ctx, chunk, heap);
  return check_memory(heap, kv, "a context of " + std::to_string(n_ctx) + " positions",
                      "keys and values; ask for a smaller --ctx or another --kv");
}

Result<PlanAndWork> make_plan(const std::string& path, const ModelOptions& how, const SessionOptions& what,
                              std::int64_t batch) {
  constexpr std::int64_t kMostBatch = 256;
  if (batch < 1 || batch > kMostBatch)
    return Error(Status::invalid_argument, "a batch of " + std::to_string(batch) +
                                               " was asked for; --batch; choose 1 to " + std::to_string(kMostBatch));
  HEARTH_TRY(const kernels::KernelTable* table, choose_isa(how.isa));
  HEARTH_TRY(const auto device, open_device(how.device));
  const Heap& heap = device ? device->heap() : host_heap();
  if (how.threads != 0) HEARTH_CHECK(Team::check(how.threads));
  HEARTH_TRY(const auto file, gguf::File::open(path));
  HEARTH_TRY(const model::Config c, model::read_config(file));
  HEARTH_TRY(const auto weights, model::Weights::bind(c, file));
  Plan plan;
  plan.path = path;
  plan.name = text_at(file, "general.name");
  plan.architecture = c.arch->name;
  plan.tokenizer = tokenizer_name(file, how.pre);
  plan.chat_template = template_name(file);
  plan.isa = table->name;
  for (const sample::Step& step : sample::steps()) plan.samplers.push_back(step.name);
  plan.threads = how.threads != 0 ? how.threads : usual_threads(device.get());
  HEARTH_TRY(plan.weights, choose_placement(device.get(), c, weights, how.weights));
  plan.kv = what.kv;
  plan.n_ctx_train = c.n_ctx_train;
  plan.batch = batch;
  HEARTH_CHECK(model::KvCache::check_type(c, kv_type(what.kv)));
  const std::uint64_t repacked = plan.weights == Weights::repacked ? model::repacked_bytes(weights) : 0,
                      spoken_for = device ? model::device_weights_bytes(weights, heap)
                                          : repacked + (how.mmap ? 0 : file.file_bytes());
  HEARTH_TRY(plan.n_ctx, choose_context(c, what, memory_budget(heap, spoken_for), heap));
  plan.chunk = std::min(what.chunk, plan.n_ctx);
  if (device) count_device(plan, *device, file, c, weights, how.mmap);
  else count(plan, file, c, weights, *table, how.mmap);
  return PlanAndWork{std::move(plan), work_of(c, weights, *table)};
}

}  // namespace hearth::engine
