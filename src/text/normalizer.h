// Enters: text, any bytes. Leaves: the same in a normal form; bytes that are no UTF-8 stay as they are.
#pragma once

#include <hearth/result.hpp>
#include <limits>
#include <string>
#include <string_view>

#include "charsmap.h"

namespace hearth::text {

/// Bytes of a text that normalization may leave; what makes more may stop there, and encode refuses.
inline constexpr std::size_t max_normalized = std::numeric_limits<std::int32_t>::max();
Result<void> check_normalized(std::size_t bytes);

enum class NormalForm { nfc, nfd, nfkc, nfkd };

/// n log n in the text whatever the order of its marks, where the usual way of ordering them is quadratic.
std::string normal_form(std::string_view text, NormalForm form);

/// As Unicode lowers one character without looking at its neighbours.
std::string lower_case(std::string_view text);

/// Without the marks that `is_dropped` names.
std::string without(std::string_view text, bool (*is_dropped)(std::int32_t code));

/// Without white space at the ends.
std::string_view stripped(std::string_view text, bool left, bool right);

/// BERT's cleaning: controls, NUL and U+FFFD go, white space becomes a space.
std::string bert_cleaned(std::string_view text);

/// A space on either side of every ideograph.
std::string bert_spaced_ideographs(std::string_view text);

/// The cleaning that SentencePiece's rules for machine translation begin with.
std::string nmt_cleaned(std::string_view text);

/// A charsmap as Hugging Face reads it: by grapheme clusters of up to 5 bytes, else by characters, the shortest rule.
std::string mapped_by_graphemes(std::string_view text, const Charsmap& map);

}  // namespace hearth::text
