// Enters: the text of a Hugging Face tokenizer.json. Leaves: the Tokenizer that it describes.
#pragma once

#include <hearth/result.hpp>
#include <string>
#include <string_view>

#include "tokenizer.h"

namespace hearth::text {

/// Models BPE, WordPiece and Unigram with the normalizers, pre-tokenizers, post-processors and decoders in the tables of
/// hf_normalizer.cpp, hf_pre_tokenizer.cpp and hf_tokenizer.cpp. Token ids are those of Hugging Face's tokenizers, with
/// parse_special as there by default; differences:
/// - Bytes that are no UTF-8, which cannot get that far there, pass every step as they are and match nothing.
/// - Decoding joins pieces; WordPiece's cosmetic removal of spaces before punctuation is left out.
/// `where` names the file in errors. Errors: no JSON; a step that is not known here, by name and place; an id that is out
/// of line.
Result<Tokenizer> read_tokenizer_json(std::string_view json, std::string where);

/// The file of that path, of up to 256 MiB.
Result<Tokenizer> open_tokenizer_json(const std::string& path);

}  // namespace hearth::text
