// Enters: the name in tokenizer.ggml.pre. Leaves: its row: the regexes that cut a text into pretokens, and its defaults.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace hearth::text {

/// What becomes of a match that is a run of digits: groups of three, counted from its right.
enum class Thousands {
  no,
  apart,    ///< each group and the digits left over are stretches of their own
  borders,  ///< the text is only cut where a group begins
};

/// One cut: every match becomes a stretch of its own, and so does what lies between two matches.
///
/// Regexes are PCRE2's with UTF and UCP, except that \s is Unicode's White_Space, as in the tokenizers they come from.
struct PreTokenizerStep {
  std::string_view regex;
  Thousands thousands = Thousands::no;
};

/// What follows from a pre-tokenizer's name besides its cuts.
struct PreTokenizerTraits {
  bool add_bos = false;        ///< what a file means that has no tokenizer.ggml.add_bos_token
  bool ignore_merges = false;  ///< a pretoken that is a token becomes it, whatever the merges say
  bool byte_level = true;      ///< tokens are spelled in GPT-2's letters for bytes; else as text, U+2581 for a space
};

/// Steps run one after the other, each inside the stretches that the one before left.
struct PreTokenizerRow {
  std::string_view names;                        // values of tokenizer.ggml.pre, with spaces between
  std::array<const PreTokenizerStep*, 6> steps;  // nullptr after the last
  PreTokenizerTraits traits;
};

/// nullptr where no row has the name.
const PreTokenizerRow* find_pre_tokenizer(std::string_view name);

/// All rows, for tests that walk them.
std::span<const PreTokenizerRow> pre_tokenizers();

/// The known name with the fewest letters to change, add or leave out.
std::string_view nearest_pre_tokenizer(std::string_view name);

}  // namespace hearth::text
