// Enters: tokens. Leaves: whole characters, to the reply and to the caller, up to the first stop string.
#pragma once

#include <hearth/hearth.hpp>
#include <span>
#include <string>
#include <string_view>

#include "stop_matcher.h"
#include "stream_decoder.h"

namespace hearth::engine {

/// The space before a text's first word is dropped only where the text begins: with --echo, or when nothing but BOS came before.
text::StreamDecoder::Begin begins_text(const text::Tokenizer& tokenizer, std::span<const std::int32_t> before);

class TextOut {
 public:
  /// All must outlive it.
  TextOut(const text::Tokenizer& tokenizer, text::StreamDecoder::Begin begin, const GenerateOptions& options,
          const OnText& on_text, Reply& reply);

  /// False when the text is over: `reply.finish` says why.
  bool push(std::int32_t id) { return emit(stops_.push(text_of(id))) && !stopped(); }

  /// What was held back, at the end of a text that nobody stopped.
  void flush();

 private:
  bool emit(std::string_view piece);
  bool stopped();
  std::string_view text_of(std::int32_t id);

  const text::Vocab& vocab_;
  text::StreamDecoder decoder_;
  text::StopMatcher stops_;
  bool special_;
  std::string spelled_;
  const OnText& on_text_;
  Reply& reply_;
};

}  // namespace hearth::engine
