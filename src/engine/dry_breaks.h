// Enters: texts that no repetition goes across. Leaves: the tokens that hold one.
#pragma once

#include <cstdint>
#include <hearth/result.hpp>
#include <span>
#include <string>
#include <vector>

#include "tokenizer.h"

namespace hearth::engine {

/// One bit a token, [ceil(n_vocab / 64)]. A text that lies in no single token would break nothing, so it is an error, but for
/// a text of one byte: that can never come.
Result<std::vector<std::uint64_t>> dry_breaks(const text::Tokenizer& tokenizer, std::span<const std::string> texts);

}  // namespace hearth::engine
