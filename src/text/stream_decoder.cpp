// Enters: token ids. Leaves: whole UTF-8 characters.
#include "stream_decoder.h"

#include <utility>

#include "utf8.h"

namespace hearth::text {

std::string_view StreamDecoder::push(std::int32_t id) {
  bytes_.erase(0, std::exchange(n_out_, 0));  // at once: the next may find no memory
  bytes_.append(at_start_ ? tokenizer_->first_piece(id) : tokenizer_->piece(id));
  at_start_ = at_start_ && tokenizer_->keeps_text_start(id);
  while (n_out_ < bytes_.size()) {
    const Utf8Step step = utf8_step(std::string_view(bytes_).substr(n_out_));
    if (step.state == Utf8::incomplete) break;
    n_out_ += step.length;
  }
  return std::string_view(bytes_).substr(0, n_out_);
}

std::string_view StreamDecoder::flush() {
  bytes_.erase(0, n_out_);
  n_out_ = bytes_.size();
  return bytes_;
}

}  // namespace hearth::text
