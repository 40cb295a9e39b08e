// Enters: nothing. Leaves: the texts by which tokens with a role are known where a file's metadata leaves it out.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "vocab.h"

namespace hearth::text {

/// A token that reads so has the role, unless metadata gave that to another token; the first row found wins.
struct RoleText {
  std::string_view text;
  std::optional<std::int32_t> SpecialIds::*role;
};
constexpr RoleText role_texts[] = {
    {"<|eot_id|>", &SpecialIds::eot},       // Llama 3
    {"<|im_end|>", &SpecialIds::eot},       // ChatML: Qwen, Hermes, …
    {"<|end|>", &SpecialIds::eot},          // Phi 3
    {"<end_of_turn>", &SpecialIds::eot},    // Gemma 2, 3
    {"<|endoftext|>", &SpecialIds::eot},    // GPT-2 and what follows it
    {"<|end_of_text|>", &SpecialIds::eot},  // Granite
    {"<EOT>", &SpecialIds::eot},
    {"_<EOT>", &SpecialIds::eot},
    {"[EOT]", &SpecialIds::eot},                  // Kimi K2
    {"<｜end▁of▁sentence｜>", &SpecialIds::eot},  // DeepSeek
    {"<end_of_utterance>", &SpecialIds::eot},     // SmolDocling
    {"<|eom_id|>", &SpecialIds::eom},             // Llama 3.1, a turn that calls a tool
    {"<|fim_prefix|>", &SpecialIds::fim_pre},     // Qwen
    {"<fim-prefix>", &SpecialIds::fim_pre},
    {"<fim_prefix>", &SpecialIds::fim_pre},     // StarCoder, Granite
    {"<｜fim▁begin｜>", &SpecialIds::fim_pre},  // DeepSeek
    {"<PRE>", &SpecialIds::fim_pre},
    {"▁<PRE>", &SpecialIds::fim_pre},           // CodeLlama
    {"<|code_prefix|>", &SpecialIds::fim_pre},  // GLM 4.5
    {"<|prefix|>", &SpecialIds::fim_pre},       // Falcon H1
    {"<|fim_suffix|>", &SpecialIds::fim_suf},
    {"<fim-suffix>", &SpecialIds::fim_suf},
    {"<fim_suffix>", &SpecialIds::fim_suf},
    {"<｜fim▁hole｜>", &SpecialIds::fim_suf},
    {"<SUF>", &SpecialIds::fim_suf},
    {"▁<SUF>", &SpecialIds::fim_suf},
    {"<|code_suffix|>", &SpecialIds::fim_suf},
    {"<|suffix|>", &SpecialIds::fim_suf},
    {"<|fim_middle|>", &SpecialIds::fim_mid},
    {"<fim-middle>", &SpecialIds::fim_mid},
    {"<fim_middle>", &SpecialIds::fim_mid},
    {"<｜fim▁end｜>", &SpecialIds::fim_mid},
    {"<MID>", &SpecialIds::fim_mid},
    {"▁<MID>", &SpecialIds::fim_mid},
    {"<|code_middle|>", &SpecialIds::fim_mid},
    {"<|middle|>", &SpecialIds::fim_mid},
    {"<|fim_pad|>", &SpecialIds::fim_pad},
    {"<fim-pad>", &SpecialIds::fim_pad},
    {"<fim_pad>", &SpecialIds::fim_pad},
    {"<|fim_repo|>", &SpecialIds::fim_rep},
    {"<|repo_name|>", &SpecialIds::fim_rep},
    {"<fim-repo>", &SpecialIds::fim_rep},
    {"<reponame>", &SpecialIds::fim_rep},
    {"<|file_sep|>", &SpecialIds::fim_sep},
};

/// A token that reads so ends a text, whatever role it has.
constexpr std::string_view end_texts[] = {
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|flush|>",
    "<|calls|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "<|eom_id|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "<|end_of_text|>",
    "<end_of_utterance>",
    "<eos>",
    "<turn|>",
    "<|tool_response>",
    "<｜end▁of▁sentence｜>",
};

/// Ends a text as a control token: fine-tunes of Llama and Mistral whose eos is <|im_end|> still write it. For Gemma it is HTML.
constexpr std::string_view sentence_end = "</s>", gemma_turn_end = "<end_of_turn>";

/// Where a vocabulary has all of `present`, `text` ends a message after which the turn goes on.
struct NoEndText {
  std::string_view text;
  std::string_view present[2];
};
constexpr NoEndText no_end_texts[] = {
    {"<|end|>", {"<|return|>", "<|call|>"}},  // gpt-oss
    {"<|end|>", {"<|flush|>", "<|calls|>"}},  // Solar Open
};

}  // namespace hearth::text
