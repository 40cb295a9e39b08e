// Enters: token ids. Leaves: whole UTF-8 characters.
#include "stream_decoder.h"

#include <utility>

#include "utf8.h"

namespace hearth::text {

std::string StreamDecoder::push(std::int32_t id) {
  pending_.append(at_start_ ? tokenizer_->first_piece(id) : tokenizer_->piece(id));
  at_start_ = at_start_ && tokenizer_->keeps_text_start(id);
  std::size_t certain = 0;
  while (certain < pending_.size()) {
    const Utf8Step step = utf8_step(std::string_view(pending_).substr(certain));
    if (step.state == Utf8::incomplete) break;
    certain += step.length;
  }
  std::string text = pending_.substr(0, certain);
  pending_.erase(0, certain);
  return text;
}

std::string StreamDecoder::flush() { return std::exchange(pending_, {}); }

}  // namespace hearth::text
