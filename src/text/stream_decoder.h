// Enters: token ids, one at a time. Leaves: their text as soon as whole characters are there.
#pragma once

#include <cstdint>
#include <string>

#include "tokenizer.h"

namespace hearth::text {

/// All that push returns, then flush, is what decode gives for the same ids. No piece ends inside a UTF-8 character;
/// bytes that can no longer become one pass as they are. The tokenizer must outlive it.
class StreamDecoder {
 public:
  enum class Begin { text, inside_text };  // inside_text: a prompt stands before, so a first space is kept

  explicit StreamDecoder(const Tokenizer& tokenizer, Begin begin = Begin::text)
      : tokenizer_(&tokenizer), at_start_(begin == Begin::text) {}

  /// The text that is certain now. An id outside the vocabulary gives nothing.
  std::string push(std::int32_t id);

  /// What is left at the end of a text: the bytes of a character that was never finished.
  std::string flush();

 private:
  const Tokenizer* tokenizer_;
  bool at_start_;
  std::string pending_;  // bytes of a character that is not whole yet
};

}  // namespace hearth::text
