// Enters: the tokens of type byte; a text. Leaves: the ids of the text's bytes.
#include "byte_tokens.h"

#include <algorithm>
#include <string>

#include "escape.h"

namespace hearth::text {

Result<void> ByteTokens::read_spelled() {
  for (std::int32_t id = 0; id < vocab_.size(); ++id) {
    if (vocab_.type(id) != TokenType::byte) continue;
    const std::string_view text = vocab_.token(id);
    const std::optional<std::uint8_t> byte = byte_of(text);
    if (!byte) {
      return Error(Status::malformed, "token " + std::to_string(id) + " has type byte (6) and reads \"" + escape(text) +
                                          "\", a byte reads <0x00> to <0xFF>; tokenizer.ggml.tokens in " +
                                          vocab_.where() + "; convert the model again");
    }
    if (ids_[*byte] < 0) ids_[*byte] = id;
  }
  return {};
}

Result<void> ByteTokens::append(std::string_view text, std::vector<std::int32_t>& ids) const {
  const auto token = [&](char c) { return ids_[static_cast<unsigned char>(c)]; };
  if (std::all_of(text.begin(), text.end(), [&](char c) { return token(c) >= 0; })) {
    for (char c : text) ids.push_back(token(c));
    return {};
  }
  if (vocab_.special().unk) {
    ids.push_back(*vocab_.special().unk);
    return {};
  }
  return Error(Status::unsupported,
               "\"" + escape(text) + "\" is no token, and the vocabulary has neither its bytes nor an unknown token; " +
                   vocab_.where() + "; leave it out of the text");
}

}  // namespace hearth::text
