// Enters: a path and options. Leaves: a model ready to run.
#include "loaded_model.h"

#include <algorithm>

#include "chat_template.h"
#include "cpu_backend.h"
#include "dispatch.h"
#include "elapsed.h"
#include "escape.h"
#include "float_state.h"
#include "host.h"
#include "recommended_sampling.h"
#include "saturating.h"
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

Result<void> check_vocabulary(const model::Config& config, const text::Tokenizer& tokenizer, const std::string& path) {
  if (tokenizer.vocab().size() == config.n_vocab) return {};
  return Error(Status::malformed, "the vocabulary has " + std::to_string(tokenizer.vocab().size()) +
                                      " tokens, tensor 'token_embd.weight' has " + std::to_string(config.n_vocab) +
                                      " rows; " + escape(path, 256) + "; the file is damaged or was converted wrongly");
}

/// By itself, the beginnings of texts are kept while all keys and values fit in a quarter of the memory that is left.
std::shared_ptr<model::PagePool> make_pool(std::uint64_t budget) {
  using Kind = model::PagePool::Budget;
  return budget != 0 ? std::make_shared<model::PagePool>(budget, Kind::firm)
                     : std::make_shared<model::PagePool>(available_memory() / 4, Kind::soft);
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
  HEARTH_TRY(auto tokenizer,
             text::Tokenizer::from(*m->file_, {.pre = options.pre, .end_texts = text::turn_ends(*m->file_)}));
  m->tokenizer_ = std::make_unique<text::Tokenizer>(std::move(tokenizer));
  HEARTH_CHECK(check_vocabulary(net.config, *m->tokenizer_, path));
  HEARTH_TRY(net.weights, model::Weights::bind(net.config, *m->file_));
  net.rotations = model::make_rotations(net.config, net.weights);
  net.slopes = model::make_slopes(net.config);
  HEARTH_TRY(net.team, Team::start(options.threads == 0 ? usable_processors() : options.threads));
  HEARTH_TRY(net.device, backend::CpuBackend::make(*table, net.team->size(), net.config.widest()));
  m->describe();
  m->pool_ = make_pool(options.kv_budget);
  m->pool_->set_reclaim([&prefixes = m->prefixes_] { return prefixes.drop_oldest(); });
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
           Weights::file,
           !c.causal,
           recommended_sampling(*file_)};
  for (const gguf::Tensor& t : file_->tensors()) {
    info_.weights_bytes += t.data.size();
    info_.n_parameters += t.dims[0] * t.dims[1] * t.dims[2] * t.dims[3];
  }
}

std::shared_ptr<const sample::GrammarTokens> LoadedModel::grammar_tokens() const {
  std::call_once(grammar_tokens_once_, [this] {
    const text::Vocab& vocab = tokenizer_->vocab();
    std::vector<std::string_view> texts, controls;
    for (std::int32_t id = 0; id < vocab.size(); ++id) {
      texts.push_back(tokenizer_->piece(id));
      controls.push_back(vocab.type(id) == text::TokenType::control ? vocab.token(id) : std::string_view());
    }
    const auto ends = vocab.end_ids();
    grammar_tokens_ = std::make_shared<const sample::GrammarTokens>(std::move(texts), std::move(controls),
                                                                    std::vector(ends.begin(), ends.end()));
  });
  return grammar_tokens_;
}

std::uint64_t LoadedModel::bytes_when_repacked() const {
  const model::Config& c = network_.config;
  const SessionOptions usual;
  const std::uint64_t kv = model::KvCache::bytes(c, kv_type(usual.kv), c.n_ctx_train, usual.chunk);
  const std::uint64_t scratch = model::Workspace::bytes(c, std::min(usual.chunk, c.n_ctx_train), 1);
  return saturating_add(saturating_add(model::repacked_bytes(network_.weights), scratch), kv);
}

Result<void> LoadedModel::place_weights(Weights wanted) {
  if (wanted == Weights::file) return {};
  const bool nothing = model::repacked_bytes(network_.weights) == 0;
  if (wanted == Weights::automatic && (nothing || bytes_when_repacked() > memory_budget())) return {};
  info_.weights = Weights::repacked;
  return start_repacking(wanted == Weights::repacked);
}

Result<void> LoadedModel::start_repacking(bool now) {
  const auto let_go = [this](std::span<const std::byte> bytes) {
    for (const MappedFile& shard : file_->shards())
      if (bytes.data() >= shard.bytes().data() && bytes.data() < shard.bytes().data() + shard.bytes().size())
        shard.release(bytes);
  };
  HEARTH_TRY(repacking_, model::Repacking::of(network_.weights, *table_, let_go));
  if (now) {
    repacking_->advance(*network_.team, SIZE_MAX);
    return {};
  }
  repacking_now_ = true;
  HEARTH_TRY(background_, Background::start([this] { return repack_a_piece(); }));
  return {};
}

// Between passes, for a quarter of a pass's time: the first tokens come at once, each of the next takes at most so much longer.
bool LoadedModel::repack_a_piece() {
  constexpr std::chrono::milliseconds kFirstPass{250};  // nobody asks for a token: begin without having seen a pass
  constexpr double kShare = 0.25, kBytesPerSecond = 4e9, kLeast = 256 << 10;
  turns_.wait_for_first(kFirstPass);
  const Turns::Turn turn(turns_);
  const double bytes = std::max(kLeast, kShare * last_pass_ * kBytesPerSecond);
  repacking_->advance(*network_.team, static_cast<std::size_t>(bytes));
  if (!repacking_->done()) return true;
  repacking_now_ = false;
  repacking_now_.notify_all();
  return false;
}

LoadedModel::~LoadedModel() { turns_.close(); }

Result<void> LoadedModel::check_generates() const {
  if (config().causal) return {};
  return Error(Status::unsupported, "'" + std::string(config().arch->name) + "' is an encoder, which writes no text; " +
                                        escape(info_.path, 256) + "; use hearth embed (Model::embed)");
}

Result<void> LoadedModel::forward(std::span<const model::Row> rows, model::Workspace& space, model::Head head) const {
  const Turns::Turn turn(turns_);
  const auto start = Clock::now();
  auto done = model::forward(network_, rows, space, head);
  last_pass_ = seconds_since(start);
  return done;
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

std::int64_t LoadedModel::fitting_context(kernels::KvType type, std::int64_t chunk, std::int64_t n_sequences) const {
  const model::Config& config = this->config();
  const std::uint64_t budget = std::min(memory_budget(), pool_->limit()) / static_cast<std::uint64_t>(n_sequences);
  std::int64_t fits = 1, too_many = config.n_ctx_train + 1;  // bytes grow with the context, by steps
  while (too_many - fits > 1) {
    const std::int64_t middle = fits + (too_many - fits) / 2;
    (model::KvCache::bytes(config, type, middle, chunk) <= budget ? fits : too_many) = middle;
  }
  return fits;
}

}  // namespace hearth::engine
