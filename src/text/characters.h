// Enters: a text, or a code point. Leaves: its last character, or the class, lower case and base of a code point.
#pragma once

#include <cstdint>
#include <string_view>

#include "utf8.h"

namespace hearth::text {

/// The last character of `text`, which is not empty.
Character last_character(std::string_view text);

// Classes by Unicode's general category; no_code has none of them.
bool is_white_space(std::int32_t code);  // the property White_Space
bool is_control(std::int32_t code);      // Cc, Cf, Cs, Co
bool is_punctuation(std::int32_t code);  // P*
bool is_number(std::int32_t code);       // Nd, Nl, No
bool is_accent(std::int32_t code);       // Mn, what is left of an accent when its letter is taken away
bool is_mark(std::int32_t code);         // M*
bool is_word(std::int32_t code);  // letters, marks, decimal digits, connectors: \w of Unicode's regular expressions

/// ASCII's punctuation and symbols, and P*: what BERT puts apart.
bool is_bert_punctuation(std::int32_t code);

/// The ideographs that BERT puts apart.
bool is_bert_ideograph(std::int32_t code);

/// One code point for one; no_code stays.
std::int32_t lower(std::int32_t code);

/// The first code point of the full canonical decomposition: the letter without its accents.
std::int32_t base_letter(std::int32_t code);

}  // namespace hearth::text
