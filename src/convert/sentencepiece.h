// Enters: the bytes of a SentencePiece tokenizer.model. Leaves: its pieces and how it treats a text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <hearth/result.hpp>
#include <span>
#include <string>
#include <vector>

namespace hearth::convert {

struct SentencePieces {
  struct Piece {
    std::string text;
    float score = 0;
    std::int32_t type = 1;  // as GGUF numbers them: normal, unknown, control, user-defined, unused, byte
  };
  std::vector<Piece> pieces;
  std::uint64_t n_left_out = 0;  // pieces after those
  bool add_dummy_prefix = true, remove_extra_whitespaces = true;
  std::vector<std::uint8_t> charsmap;
};

/// Total on any bytes; fields that are not needed are passed over. `where` names the file in errors. `most`: pieces that
/// are kept.
Result<SentencePieces> read_sentencepiece(std::span<const std::byte> file, const std::string& where,
                                          std::uint64_t most = UINT64_MAX);

/// Whether a file begins as such a model does. Other tokenizers call their files tokenizer.model too.
bool looks_like_sentencepiece(std::span<const std::byte> file);

}  // namespace hearth::convert
