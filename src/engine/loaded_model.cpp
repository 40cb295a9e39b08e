// Enters: a path and options. Leaves: a model ready to run.
#include "loaded_model.h"

#include <algorithm>
#include <numeric>

#include "chat_template.h"
#include "cpu_backend.h"
#include "elapsed.h"
#include "escape.h"
#include "float_state.h"
#include "progress.h"
#include "recommended_sampling.h"
#include "saturating.h"
#include "try.h"

namespace hearth::engine {
namespace {

Result<void> check_vocabulary(const model::Config& config, const text::Tokenizer& tokenizer, const std::string& path) {
  if (tokenizer.vocab().size() == config.n_vocab) return {};
  return Error(Status::malformed, "the vocabulary has " + std::to_string(tokenizer.vocab().size()) +
                                      " tokens, tensor 'token_embd.weight' has " + std::to_string(config.n_vocab) +
                                      " rows; " + escape(path, 256) + "; the file is damaged or was converted wrongly");
}

/// By itself, the beginnings of texts are kept while all keys and values fit in a quarter of the memory that is left, beside the
/// weights.
std::shared_ptr<model::PagePool> make_pool(std::uint64_t budget, const model::Placement& placement,
                                           const model::PlacedBytes& spoken_for) {
  using Kind = model::PagePool::Budget;
  if (budget != 0) return std::make_shared<model::PagePool>(budget, Kind::firm, placement);
  std::vector<std::uint64_t> parts;
  for (std::size_t d = 0; d < placement.n_devices(); ++d) {
    const Heap& heap = *placement.heaps[d];
    parts.push_back(left_but_for(heap, heap.on_host() ? spoken_for.host : spoken_for.devices[d]) / 4);
  }
  const std::uint64_t all = std::accumulate(parts.begin(), parts.end(), std::uint64_t{0}, saturating_add);
  return std::make_shared<model::PagePool>(all, Kind::soft, placement, parts);
}

constexpr const char* kStopped = "; opening the model; open it again";

}  // namespace

Result<std::shared_ptr<LoadedModel>> LoadedModel::open(const std::string& path, const ModelOptions& options) {
  const FloatState canonical;  // frequencies and scales are rounded here
  HEARTH_CHECK(goes_on(options, 0, kStopped));
  HEARTH_TRY(const kernels::KernelTable* table, choose_isa(options.isa));
  HEARTH_TRY(auto devices, open_devices(options.device));
  std::shared_ptr<LoadedModel> m(new LoadedModel);
  m->table_ = table;
  HEARTH_TRY(auto file, gguf::File::open(path, options.mmap ? MappedFile::Access::map : MappedFile::Access::read,
                                         [&](std::size_t, std::size_t) { return goes_on(options, 0, kStopped); }));
  m->file_ = std::make_unique<gguf::File>(std::move(file));
  model::Network& net = m->network_;
  HEARTH_TRY(net.config, model::read_config(*m->file_));
  HEARTH_TRY(auto tokenizer,
             text::Tokenizer::from(*m->file_, {.pre = options.pre, .end_texts = text::turn_ends(*m->file_)}));
  m->tokenizer_ = std::make_unique<text::Tokenizer>(std::move(tokenizer));
  HEARTH_CHECK(check_vocabulary(net.config, *m->tokenizer_, path));
  HEARTH_TRY(net.weights, model::Weights::bind(net.config, *m->file_));
  net.rotations = model::make_rotations(net.config, net.weights);
  HEARTH_TRY(net.placement, choose_placement(devices, options, net.config, net.weights));
  net.legs = model::make_legs(net.config, net.placement);
  HEARTH_TRY(net.team, Team::start(options.threads == 0 ? usual_threads(net.placement) : options.threads));
  const std::string device = device_names(devices, net.placement);
  net.devices = std::move(devices);
  if (on_cpu(net.placement)) {
    HEARTH_TRY(auto cpu, backend::CpuBackend::make(*table, net.team->size(), net.config.widest()));
    net.devices.push_back(std::move(cpu));
  }
  m->describe();
  m->info_.device = device;
  HEARTH_TRY(m->info_.weights, choose_weights(net.config, net.weights, net.placement, options.weights));
  HEARTH_CHECK(m->make_copies());
  HEARTH_CHECK(m->place_on_devices(options));
  if (on_cpu(net.placement) && m->info_.weights == Weights::repacked) HEARTH_CHECK(m->start_repacking());
  m->pool_ = make_pool(options.kv_budget, net.placement, m->spoken_for());
  m->pool_->set_reclaim([&prefixes = m->prefixes_] { return prefixes.drop_oldest(1) != 0; });
  if (m->repacking_) HEARTH_CHECK(m->repack(options));
  HEARTH_CHECK(goes_on(options, 1, kStopped));
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
           recommended_sampling(*file_),
           "cpu"};
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

KvBudget LoadedModel::kv_budget() const {
  if (const std::uint64_t taken = pool_->bytes_taken(); taken > pool_->budget())
    prefixes_.drop_oldest(taken - pool_->budget());
  return KvBudget::of(placement(), spoken_for(), pool_->limit());
}

Result<void> LoadedModel::make_room(std::int64_t n_positions, const model::PlacedBytes& bytes) const {
  while (const auto shortage = shortage_of(bytes, placement(), spoken_for()))
    if (prefixes_.drop_oldest(shortage->lacking()) == 0)
      return shortage->error("a context of " + std::to_string(n_positions) + " positions",
                             "keys and values; ask for a smaller --ctx or another --kv");
  return {};
}

// Asked before how much is left: what is written in between counts twice then, never not at all.
model::PlacedBytes LoadedModel::spoken_for() const {
  model::PlacedBytes bytes(placement());
  if (!turns_.forked()) bytes.host = to_repack_;  // a child has nobody who would
  return bytes;
}

double LoadedModel::row_cost() const {
  constexpr double kComputing = 0.1;
  const auto one = static_cast<double>(step_bytes(1)), two = static_cast<double>(step_bytes(2));
  return kComputing + (two - one) / std::max(1.0, one);
}

std::uint64_t LoadedModel::bytes_when_repacked() const {
  return engine::bytes_when_repacked(network_.config, network_.weights, placement());
}

Result<void> LoadedModel::repack(const ModelOptions& options) {
  if (options.weights == Weights::repacked) return repack_now(options);
  HEARTH_TRY(background_, Background::start([this] { return repack_a_piece(); }));
  return {};
}

Result<void> LoadedModel::make_copies() {
  model::Weights& weights = network_.weights;
  HEARTH_CHECK(check_memory(host_heap(), weights.copied_bytes(config()), "splitting attn_kv_b of all layers",
                            "weights; free memory or use a file that has attn_k_b and attn_v_b"));
  HEARTH_CHECK(weights.make_copies(config()));
  for (const std::span<const std::byte> copied : weights.copied_from()) let_go(copied);
  return {};
}

// All are asked whether they have room before the first is brought anything.
Result<void> LoadedModel::place_on_devices(const ModelOptions& options) {
  const std::size_t n = network_.devices.size() - (on_cpu(placement()) ? 1 : 0);
  for (std::size_t d = 0; d < n; ++d)
    HEARTH_CHECK(check_memory(*placement().heaps[d], model::device_weights_bytes(network_.weights, {placement(), d}),
                              "bringing its weights to " + network_.devices[d]->name(),
                              "weights; use a smaller model, fewer --gpu-layers, more devices or --device cpu"));
  for (std::size_t d = 0; d < n; ++d) {
    const model::Share share{placement(), d};
    HEARTH_TRY(auto brought, model::bring_weights(network_.weights, share, *table_, *network_.team, [&](double done) {
                 return goes_on(options, (static_cast<double>(d) + done) / static_cast<double>(n), kStopped);
               }));
    network_.placed.push_back(std::move(brought));
  }
  if (n != 0)
    for (const gguf::Tensor& tensor : file_->tensors()) let_go(tensor.data);  // the CPU reads its own again
  return {};
}

void LoadedModel::let_go(std::span<const std::byte> bytes) const {
  for (const MappedFile& shard : file_->shards())
    if (bytes.data() >= shard.bytes().data() && bytes.data() < shard.bytes().data() + shard.bytes().size())
      shard.release(bytes);
}

Result<void> LoadedModel::start_repacking() {
  HEARTH_CHECK(check_memory(host_heap(), model::repacked_bytes(network_.weights, cpu_share(placement())),
                            "repacking the weights", "weights; use --weights file"));
  HEARTH_TRY(repacking_, model::Repacking::of(
                             network_.weights, *table_, [this](std::span<const std::byte> bytes) { let_go(bytes); },
                             cpu_share(placement())));
  to_repack_ = repacking_->bytes_to_come();
  return {};
}

void LoadedModel::advance(std::size_t bytes) {
  repacking_->advance(*network_.team, bytes);
  to_repack_ = repacking_->bytes_to_come();
  if (to_repack_ == 0) to_repack_.notify_all();
}

Result<void> LoadedModel::repack_now(const ModelOptions& options) {
  constexpr std::size_t kPiece = 64 << 20;  // tens of milliseconds
  const auto all = static_cast<double>(model::repacked_bytes(network_.weights, cpu_share(placement())));
  for (std::size_t done = 0; !repacking_->done(); done += kPiece) {
    HEARTH_CHECK(goes_on(options, std::min(1.0, static_cast<double>(done) / all), kStopped));
    advance(kPiece);
  }
  return {};
}

// Between passes, for a quarter of a pass's time: the first tokens come at once, each of the next takes at most so much longer.
bool LoadedModel::repack_a_piece() {
  constexpr std::chrono::milliseconds kFirstPass{250};  // nobody asks for a token: begin without having seen a pass
  constexpr double kShare = 0.25, kBytesPerSecond = 4e9, kLeast = 256 << 10;
  turns_.wait_for_first(kFirstPass);
  const Turns::Turn turn(turns_);
  const double bytes = std::max(kLeast, kShare * last_pass_ * kBytesPerSecond);
  advance(static_cast<std::size_t>(bytes));
  return !repacking_->done();
}

LoadedModel::~LoadedModel() { turns_.close(); }

Result<void> LoadedModel::check_generates() const {
  if (config().causal) return {};
  return Error(Status::unsupported, "'" + std::string(config().arch->name) + "' is an encoder, which writes no text; " +
                                        escape(info_.path, 256) + "; use hearth embed (Model::embed)");
}

Result<void> LoadedModel::forward(std::span<const model::Row> rows, model::Workspace& space, model::Head head) const {
  const auto apart = [](const Heap* heap) { return !heap->on_host(); };
  if (turns_.forked() && std::any_of(placement().heaps.begin(), placement().heaps.end(), apart))
    return Error(Status::unsupported, "the model's device belongs to the parent process; fork; open the model again");
  const Turns::Turn turn(turns_);
  const auto start = Clock::now();
  auto done = model::forward(network_, rows, space, head);
  last_pass_ = seconds_since(start);
  return done;
}

}  // namespace hearth::engine
