// Enters: the "decoder" of a tokenizer.json. Leaves: how a token's text becomes bytes.
#pragma once

#include <hearth/result.hpp>
#include <string>
#include <string_view>

#include "hf_json.h"
#include "vocab.h"

namespace hearth::text {

struct HfDecoder {
  bool byte_letters = false;  // GPT-2's letters stand for bytes
  bool marks = false;         // U+2581 stands for a space
  bool spaced = false;        // a space goes before each token
  bool strips_first = false;  // the first token's space was put there by encoding
  std::string joined_prefix;  // of tokens that get no such space: "##"
  std::string word_suffix;    // "</w>" stands for a space, after a text's last word too: no token knows that it is last
  bool cleans_up = false;     // no space stays before a mark or the end of a contraction

  void append_piece(std::string_view token, TokenType type, std::string& bytes) const;
};

Result<HfDecoder> read_decoder(const JsonNode& node);

}  // namespace hearth::text
