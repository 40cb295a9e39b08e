// Enters: the tokenizer files of a model folder. Leaves: GGUF's tokenizer.* keys.
#pragma once

#include <cstdint>
#include <hearth/tools.hpp>
#include <nlohmann/json.hpp>

#include "family.h"
#include "metadata.h"
#include "model_folder.h"
#include "token_list.h"

namespace hearth::convert {

/// tokenizer.model where it is SentencePiece's, else tokenizer.json: BPE over bytes or with byte fallback, WordPiece, Unigram.
/// `n_vocab`: rows of the embedding. A folder without either gets "none". What is left out goes to the report.
Result<void> add_tokenizer(const ModelFolder& folder, const Family& family, const HfConfig& config,
                           std::uint64_t n_vocab, Metadata& metadata, tools::ConvertReport& report);

/// What tokenizer_config.json, tokenizer.json ("added_tokens", "post_processor") and config.json say of tokens with a role, and
/// the chat templates. The vocabulary is in the metadata already.
Result<void> add_special_tokens(const ModelFolder& folder, const Family& family, const HfConfig& config,
                                Metadata& metadata);
Result<void> add_chat_templates(const ModelFolder& folder, Metadata& metadata);

}  // namespace hearth::convert
