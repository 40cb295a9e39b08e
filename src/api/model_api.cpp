// The C++ border for running models: thin, and nothing thrown crosses it.
#include <hearth/hearth.hpp>
#include <hearth/tools.hpp>

#include <cmath>

#include "border.h"
#include "perplexity.h"
#include "sequence.h"
#include "try.h"

namespace hearth {

class Model::Impl {
 public:
  std::shared_ptr<engine::LoadedModel> model;
};

class Session::Impl {
 public:
  std::unique_ptr<engine::Sequence> sequence;
};

Result<Model> Model::open(const std::string& path, const ModelOptions& options) {
  return api::guarded([&]() -> Result<Model> {
    HEARTH_TRY(auto model, engine::LoadedModel::open(path, options));
    return Model(std::make_shared<Impl>(Impl{std::move(model)}));
  });
}

Result<Session> Model::session(const SessionOptions& options) const {
  return api::guarded([&]() -> Result<Session> {
    HEARTH_TRY(auto sequence, engine::Sequence::make(impl_->model, options));
    return Session(std::make_unique<Session::Impl>(Session::Impl{std::move(sequence)}));
  });
}

const ModelInfo& Model::info() const { return impl_->model->info(); }

Result<std::vector<std::int32_t>> Model::tokenize(std::string_view text, bool special, bool parse) const {
  return api::guarded([&] { return impl_->model->tokenizer().encode(text, {special, parse}); });
}

Result<std::string> Model::detokenize(std::span<const std::int32_t> ids) const {
  return api::guarded([&] { return impl_->model->tokenizer().decode(ids); });
}

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<Reply> Session::generate(std::string_view prompt, const GenerateOptions& options, const OnText& on_text) {
  return api::guarded([&] { return impl_->sequence->generate(prompt, options, on_text); });
}

Result<Reply> Session::generate_from(std::span<const std::int32_t> ids, const GenerateOptions& options, const OnText& on_text) {
  return api::guarded([&] { return impl_->sequence->generate_from(ids, options, on_text); });
}

Result<void> Session::evaluate(std::span<const std::int32_t> ids, const std::function<bool(std::span<const float>)>& on_logits) {
  return api::guarded([&] { return impl_->sequence->evaluate(ids, on_logits); });
}

std::int64_t Session::n_ctx() const { return impl_->sequence->n_ctx(); }
std::int64_t Session::n_past() const { return impl_->sequence->n_past(); }
void Session::reset() { impl_->sequence->reset(); }

namespace tools {

Result<Perplexity> perplexity(const Model& model, std::string_view text, const SessionOptions& options) {
  return api::guarded([&]() -> Result<Perplexity> {
    const engine::LoadedModel& loaded = *model.impl()->model;
    HEARTH_TRY(auto sequence, engine::Sequence::make(model.impl()->model, options));
    Sha256 hash;
    HEARTH_TRY(const engine::Score score, engine::score_text(loaded, *sequence, text, [&](std::span<const float> logits) { hash.update(std::as_bytes(logits)); }));
    return Perplexity{score.n_tokens, score.nll, std::exp(score.nll / static_cast<double>(score.n_tokens)), hash.hex()};
  });
}

}  // namespace tools

}  // namespace hearth
