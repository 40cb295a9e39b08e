// A vocabulary of n tokens that no text was ever made of, for models with random weights: in tests and for measuring speed.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gguf_writer.h"

namespace hearth::test {

inline void add_vocabulary(gguf::Writer& writer, std::int64_t n_vocab) {
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  std::vector<float> scores(3, 0.0f);
  std::vector<std::int32_t> types = {2, 3, 3};
  const char* digits = "0123456789ABCDEF";
  for (int b = 0; b < 256; ++b) {
    tokens.push_back(std::string("<0x") + digits[b >> 4] + digits[b & 15] + ">");
    scores.push_back(0.0f);
    types.push_back(6);
  }
  for (std::int64_t i = static_cast<std::int64_t>(tokens.size()); i < n_vocab; ++i) {
    const bool first = tokens.size() == 259;  // the bare space, without which texts would be made of its bytes
    tokens.push_back(first ? "\xE2\x96\x81"
                           : std::string("\xE2\x96\x81") + static_cast<char>('a' + i % 26) + std::to_string(i));
    scores.push_back(-static_cast<float>(i));
    types.push_back(1);
  }
  writer.add("tokenizer.ggml.model", "llama");
  writer.add_array("tokenizer.ggml.tokens", std::span<const std::string>(tokens));
  writer.add_array<float>("tokenizer.ggml.scores", scores);
  writer.add_array<std::int32_t>("tokenizer.ggml.token_type", types);
  writer.add("tokenizer.ggml.bos_token_id", std::uint32_t{1});
  writer.add("tokenizer.ggml.eos_token_id", std::uint32_t{2});
}

}  // namespace hearth::test
