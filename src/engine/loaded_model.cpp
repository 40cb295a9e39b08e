// Enters: a path and options. Leaves: a model ready to run.
#include "loaded_model.h"

#include <algorithm>

#include "cpu_backend.h"
#include "dispatch.h"
#include "escape.h"
#include "float_state.h"
#include "host.h"
#include "try.h"

namespace hearth::engine {
namespace {

constexpr double kMemoryShare = 0.7;  // of what the container or machine grants (DESIGN.md, "Weights in memory")

std::uint64_t memory_budget() {
  return static_cast<std::uint64_t>(kMemoryShare * static_cast<double>(available_memory()));
}

Result<const kernels::KernelTable*> choose_isa(const std::string& name) {
  if (name.empty()) return &kernels::best();
  std::string here;
  for (const kernels::KernelTable* table : kernels::built())
    if (table->runs_here()) here += (here.empty() ? "" : ", ") + std::string(table->name);
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

Result<void> check_vocabulary(const model::Config& config, const text::Tokenizer& tokenizer, const std::string& path) {
  if (tokenizer.vocab().size() == config.n_vocab) return {};
  return Error(Status::malformed, "the vocabulary has " + std::to_string(tokenizer.vocab().size()) +
                                      " tokens, tensor 'token_embd.weight' has " + std::to_string(config.n_vocab) +
                                      " rows; " + escape(path, 256) + "; the file is damaged or was converted wrongly");
}

}  // namespace

Result<std::shared_ptr<LoadedModel>> LoadedModel::open(const std::string& path, const ModelOptions& options) {
  const FloatState canonical;  // frequencies and scales are rounded here
  HEARTH_TRY(const kernels::KernelTable* table, choose_isa(options.isa));
  std::shared_ptr<LoadedModel> m(new LoadedModel);
  m->table_ = table;
  HEARTH_TRY(auto file, gguf::File::open(path, options.mmap ? MappedFile::Access::map : MappedFile::Access::read));
  m->file_ = std::make_unique<gguf::File>(std::move(file));
  model::Network& net = m->network_;
  HEARTH_TRY(net.config, model::read_config(*m->file_));
  HEARTH_TRY(auto tokenizer, text::Tokenizer::from(*m->file_, {.pre = options.pre}));
  m->tokenizer_ = std::make_unique<text::Tokenizer>(std::move(tokenizer));
  HEARTH_CHECK(check_vocabulary(net.config, *m->tokenizer_, path));
  HEARTH_TRY(net.weights, model::Weights::bind(net.config, *m->file_));
  net.inv_freq = model::rope_frequencies(net.config, net.weights.rope_factors);
  HEARTH_TRY(net.team, Team::start(options.threads == 0 ? usable_processors() : options.threads));
  const std::int64_t widest = std::max({net.config.dim, net.config.q_dim(), net.config.ffn_dim});
  HEARTH_TRY(net.device, backend::CpuBackend::make(*table, net.team->size(), widest));
  m->describe();
  HEARTH_CHECK(m->place_weights(options.weights));
  return m;
}

void LoadedModel::describe() {
  const model::Config& c = network_.config;
  const auto name = file_->optional_string("general.name");
  info_ = {name && *name ? std::string(**name) : "",
           std::string(c.arch->name),
           file_->path(),
           c.n_layer,
           c.n_head,
           c.n_kv_head,
           c.head_dim,
           c.dim,
           c.ffn_dim,
           c.n_vocab,
           c.n_ctx_train,
           0,
           0,
           table_->name,
           network_.team->size(),
           Weights::file};
  for (const gguf::Tensor& t : file_->tensors()) {
    info_.weights_bytes += t.data.size();
    info_.n_parameters += t.dims[0] * t.dims[1] * t.dims[2] * t.dims[3];
  }
}

Result<void> LoadedModel::place_weights(Weights wanted) {
  if (wanted == Weights::file) return {};
  const std::uint64_t kv = model::KvCache::bytes(network_.config, kernels::KvType::f16, network_.config.n_ctx_train);
  if (wanted == Weights::automatic && network_.weights.repacked_bytes() + kv > memory_budget()) return {};
  HEARTH_CHECK(network_.weights.repack(*table_, *network_.team, [this](std::span<const std::byte> bytes) {
    for (const MappedFile& shard : file_->shards())
      if (bytes.data() >= shard.bytes().data() && bytes.data() < shard.bytes().data() + shard.bytes().size())
        shard.release(bytes);
  }));
  info_.weights = Weights::repacked;
  return {};
}

Result<void> LoadedModel::forward(std::span<const model::Row> rows, model::Workspace& space) const {
  const std::lock_guard<std::mutex> turn(one_pass_);
  return model::forward(network_, rows, space);
}

std::int64_t fitting_context(const model::Config& config, kernels::KvType type) {
  const std::uint64_t page = model::KvCache::bytes(config, type, kernels::kPage);
  const auto fits =
      static_cast<std::int64_t>(std::min<std::uint64_t>(memory_budget() / page, INT32_MAX)) * kernels::kPage;
  return std::clamp<std::int64_t>(fits, 1, config.n_ctx_train);
}

}  // namespace hearth::engine
