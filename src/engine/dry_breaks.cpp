// Enters: texts that no repetition goes across. Leaves: the tokens that hold one.
#include "dry_breaks.h"

#include "escape.h"

namespace hearth::engine {

Result<std::vector<std::uint64_t>> dry_breaks(const text::Tokenizer& tokenizer, std::span<const std::string> texts) {
  const auto n_vocab = static_cast<std::size_t>(tokenizer.vocab().size());
  std::vector<std::uint64_t> bits((n_vocab + 63) / 64);
  for (const std::string& text : texts) {
    bool found = text.size() == 1;
    for (std::size_t id = 0; id < n_vocab && !text.empty(); ++id) {
      if (tokenizer.piece(static_cast<std::int32_t>(id)).find(text) == std::string_view::npos) continue;
      bits[id / 64] |= std::uint64_t{1} << id % 64;
      found = true;
    }
    if (!found)
      return Error(Status::invalid_argument, "no token of the model holds the breaker '" + escape(text, 64) +
                                                 "'; dry_breakers; give a shorter text, or none");
  }
  return bits;
}

}  // namespace hearth::engine
