// Enters: a vocabulary of model "gpt2" or "gemma4". Leaves: byte pair encoding by its list of merges.
#pragma once

#include <hearth/result.hpp>
#include <memory>

#include "tokenizer.h"

namespace hearth::text {

/// The text is cut into pretokens as tokenizer.ggml.pre says ("default" where the file has no such key); in each, the
/// pair that stands first in the list merges first, the leftmost of equals. Parts and results of merges need not be
/// tokens: what is none in the end becomes the tokens of its bytes, else the unknown token. Differences from the
/// reference:
/// - Bytes that are no UTF-8 are pretokens of their own and keep their value, where the reference replaces them.
/// - Control and unknown tokens never come out of merging, so that no text can spell them by accident.
/// The vocabulary must outlive what is made. Errors: an unknown pre-tokenizer; a merge that is not two parts.
Result<std::unique_ptr<const Algorithm>> make_bpe(const Vocab& vocab);

}  // namespace hearth::text
