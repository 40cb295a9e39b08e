// Enters: a vocabulary of model "llama". Leaves: SentencePiece's BPE over its scores, as llama.cpp's files expect it.
#pragma once

#include <hearth/result.hpp>
#include <memory>

#include "tokenizer.h"

namespace hearth::text {

/// Spaces become U+2581, one more goes before the first word (add_space_prefix); characters merge, best score first,
/// the leftmost of equals; what is no token becomes bytes <0xXX>, else the unknown token. Differences from the
/// reference:
/// - A byte that is no UTF-8 is a character of its own, where the reference trusts the lead byte's length.
/// - Control, unknown and byte tokens never come out of merging, so that no text can spell them by accident.
/// The vocabulary must outlive what is made. Errors: a byte token not spelled <0xXX>.
Result<std::unique_ptr<const Algorithm>> make_spm(const Vocab& vocab);

}  // namespace hearth::text
