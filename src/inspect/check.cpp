// Enters: a path. Leaves: findings about structure, model, tokenizer and template.
#include "check.h"

#include <unordered_map>

#include "chat_template.h"
#include "config.h"
#include "escape.h"
#include "hf_tokenizer.h"
#include "try.h"
#include "weights.h"

namespace hearth::inspect {
namespace {

using Severity = tools::Finding::Severity;

void add(Findings& findings, Severity severity, std::string part, std::string message) {
  findings.push_back({severity, std::move(part), std::move(message)});
}

/// What this build does not run may still be a sound file.
void add_error(Findings& findings, const std::string& part, const Error& error, const std::string& of = "") {
  const bool sound = error.status() == Status::unsupported;
  add(findings, sound ? Severity::warning : Severity::fatal, part, of + error.message());
}

void check_model(const gguf::File& file, Findings& findings) {
  if (file.tensors().empty()) {
    add(findings, Severity::note, "model", "the file has no tensors: a vocabulary alone");
    return;
  }
  const auto config = model::read_config(file);
  if (!config) return add_error(findings, "model", config.error());
  const auto weights = model::Weights::bind(*config, file);
  if (!weights) add_error(findings, "model", weights.error());
}

/// Of equal texts the first id wins, so the others never come out of a text.
void check_duplicates(const text::Vocab& vocab, Findings& findings) {
  std::size_t duplicates = 0;
  std::int32_t example = -1;
  for (std::int32_t id = 0; id < vocab.size(); ++id) {
    if (vocab.find(vocab.token(id)) == id) continue;
    if (duplicates++ == 0) example = id;
  }
  if (duplicates == 0) return;
  add(findings, Severity::note, "tokenizer",
      std::to_string(duplicates) + (duplicates == 1 ? " token has" : " tokens have") +
          " the text of another, such as id " + std::to_string(example) + ", \"" + escape(vocab.token(example)) +
          "\" as id " + std::to_string(vocab.find(vocab.token(example))) + ": the first id wins");
}

void check_vocab(const gguf::File& file, const text::Vocab& vocab, Findings& findings) {
  check_duplicates(vocab, findings);
  if (vocab.end_ids().empty()) {
    add(findings, Severity::warning, "tokenizer", "no token ends a text: generation stops at its limit alone");
  }
  const gguf::Tensor* embedding = file.find_tensor("token_embd.weight");
  if (embedding && embedding->dims[1] != static_cast<std::uint64_t>(vocab.size())) {
    add(findings, Severity::fatal, "tokenizer",
        "the vocabulary has " + std::to_string(vocab.size()) + " tokens, tensor 'token_embd.weight' has " +
            std::to_string(embedding->dims[1]) + " rows");
  }
  if (vocab.model() == "gpt2" && !file.find("tokenizer.ggml.pre")) {
    add(findings, Severity::warning, "tokenizer",
        "tokenizer.ggml.pre is missing: texts are split as \"default\" says, which may not be how the model was "
        "trained");
  }
}

std::optional<text::Tokenizer> check_tokenizer(const gguf::File& file, Findings& findings) {
  if (!file.find("tokenizer.ggml.model")) {
    add(findings, Severity::warning, "tokenizer", "tokenizer.ggml.model is missing: the file has no tokenizer");
    return std::nullopt;
  }
  auto tokenizer = text::Tokenizer::from(file);
  if (!tokenizer) {
    add_error(findings, "tokenizer", tokenizer.error());
    return std::nullopt;
  }
  check_vocab(file, tokenizer->vocab(), findings);
  return std::move(*tokenizer);
}

void check_template(const gguf::File& file, Findings& findings) {
  const auto found = file.optional_string(text::template_key);
  if (found && !*found) {
    add(findings, Severity::note, "template", "tokenizer.chat_template is missing: chat needs --template FILE");
  }
  for (const std::string_view key : {text::template_key, text::tools_template_key}) {
    const auto source = file.optional_string(key);
    if (!source) {
      add(findings, Severity::fatal, "template", source.error().message());
    } else if (*source && (*source)->empty()) {
      add(findings, Severity::warning, "template", std::string(key) + " is empty: chat needs --template FILE");
    } else if (*source) {
      const auto parsed = text::ChatTemplate::parse(**source);
      if (!parsed) add_error(findings, "template", parsed.error(), std::string(key) + ": ");
    }
  }
}

}  // namespace

Result<Findings> check(const std::string& path, const tools::CheckOptions& options) {
  Findings findings;
  const auto access = options.mmap ? MappedFile::Access::map : MappedFile::Access::read;
  const auto file = gguf::File::open(path, access);
  if (!file) {
    const Status status = file.error().status();
    if (status != Status::malformed && status != Status::unsupported) return file.error();
    add(findings, Severity::fatal, "structure", file.error().message());
    return findings;
  }
  check_model(*file, findings);
  const std::optional<text::Tokenizer> tokenizer = check_tokenizer(*file, findings);
  check_template(*file, findings);
  if (options.tensors) HEARTH_CHECK(check_tensors(*file, options, findings));
  if (options.tokenizer.empty()) return findings;
  HEARTH_TRY(const text::Tokenizer json, text::open_tokenizer_json(options.tokenizer));
  if (tokenizer) compare_tokenizers(*tokenizer, json, findings);
  else add(findings, Severity::fatal, "comparison", "the file has no tokenizer that could be compared");
  return findings;
}

}  // namespace hearth::inspect
