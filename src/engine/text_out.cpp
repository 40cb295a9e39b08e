// Enters: tokens. Leaves: whole characters, to the reply and to the caller, up to the first stop string.
#include "text_out.h"

#include <algorithm>

namespace hearth::engine {

text::StreamDecoder::Begin begins_text(const text::Tokenizer& tokenizer, std::span<const std::int32_t> before) {
  const bool begins =
      std::all_of(before.begin(), before.end(), [&](std::int32_t id) { return tokenizer.keeps_text_start(id); });
  return begins ? text::StreamDecoder::Begin::text : text::StreamDecoder::Begin::inside_text;
}

TextOut::TextOut(const text::Tokenizer& tokenizer, text::StreamDecoder::Begin begin, const GenerateOptions& options,
                 const OnText& on_text, Reply& reply)
    : vocab_(tokenizer.vocab()),
      decoder_(tokenizer, begin),
      stops_(options.stop),
      special_(options.special),
      on_text_(on_text),
      reply_(reply) {}

void TextOut::flush() {
  if (emit(stops_.push(decoder_.flush())) && !stopped()) emit(stops_.flush());
}

bool TextOut::emit(std::string_view piece) {
  if (piece.empty()) return true;
  reply_.text += piece;
  if (!on_text_ || on_text_(piece)) return true;
  reply_.finish = Finish::cancelled;
  return false;
}

bool TextOut::stopped() {
  if (stops_.stopped()) reply_.finish = Finish::stop_string;
  return stops_.stopped().has_value();
}

std::string_view TextOut::text_of(std::int32_t id) {
  if (!special_ || vocab_.type(id) != text::TokenType::control) return decoder_.push(id);
  spelled_ = decoder_.flush();
  return spelled_ += vocab_.token(id);
}

}  // namespace hearth::engine
