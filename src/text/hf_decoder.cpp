// Enters: the "decoder" of a tokenizer.json. Leaves: how a token's text becomes bytes.
#include "hf_decoder.h"

#include "byte_letters.h"
#include "escape.h"
#include "space_mark.h"
#include "try.h"

namespace hearth::text {
namespace {

Result<void> add_decoder(const JsonNode& node, HfDecoder& decoder);

Result<void> add_byte_level(const JsonNode&, HfDecoder& decoder) {
  decoder.byte_letters = true;
  return {};
}

Result<void> add_metaspace(const JsonNode& node, HfDecoder& decoder) {
  HEARTH_TRY(const std::string_view mark, node["replacement"].text_or(space_mark));
  if (mark != space_mark) return node.unsupported("replaces \"" + escape(mark) + "\", only U+2581 is known here");
  HEARTH_TRY(const bool prefix, node["add_prefix_space"].flag_or(true));
  HEARTH_TRY(const std::string_view scheme, node["prepend_scheme"].text_or(prefix ? "always" : "never"));
  decoder.marks = true;
  decoder.strips_first = scheme != "never";
  return {};
}

Result<void> add_wordpiece(const JsonNode& node, HfDecoder& decoder) {
  HEARTH_TRY(decoder.joined_prefix, node["prefix"].text_or("##"));
  HEARTH_TRY(decoder.cleans_up, node["cleanup"].flag_or(true));
  decoder.spaced = decoder.strips_first = true;
  return {};
}

Result<void> add_bpe(const JsonNode& node, HfDecoder& decoder) {
  HEARTH_TRY(decoder.word_suffix, node["suffix"].text_or("</w>"));
  return {};
}

/// The one replacement in use: U+2581 by a space.
Result<void> add_replace(const JsonNode& node, HfDecoder& decoder) {
  HEARTH_TRY(const std::string_view from, node["pattern"]["String"].text());
  HEARTH_TRY(const std::string_view to, node["content"].text());
  if (from != space_mark || to != " ") {
    return node.unsupported("replaces \"" + escape(from) + "\", only U+2581 by a space is known here");
  }
  decoder.marks = true;
  return {};
}

Result<void> add_strip(const JsonNode& node, HfDecoder& decoder) {
  HEARTH_TRY(const std::string_view content, node["content"].text_or(" "));
  HEARTH_TRY(const std::int32_t start, node["start"].id());
  HEARTH_TRY(const std::int32_t stop, node["stop"].id());
  if (content != " " || start > 1 || stop != 0) return node.unsupported("strips more than one space in front");
  decoder.strips_first = start == 1;
  return {};
}

Result<void> add_nothing(const JsonNode&, HfDecoder&) { return {}; }  // what pieces of bytes need no telling

Result<void> add_sequence(const JsonNode& node, HfDecoder& decoder) {
  HEARTH_TRY(const std::vector<JsonNode> nodes, node["decoders"].items());
  for (const JsonNode& inner : nodes) HEARTH_CHECK(add_decoder(inner, decoder));
  return {};
}

/// THE table of decoders: "type", what it adds.
struct DecoderRow {
  std::string_view type;
  Result<void> (*add)(const JsonNode& node, HfDecoder& decoder);
};
constexpr DecoderRow decoders[] = {
    {"ByteLevel", add_byte_level}, {"Metaspace", add_metaspace}, {"WordPiece", add_wordpiece},
    {"BPEDecoder", add_bpe},       {"Replace", add_replace},     {"Strip", add_strip},
    {"ByteFallback", add_nothing}, {"Fuse", add_nothing},        {"Sequence", add_sequence},
};

Result<void> add_decoder(const JsonNode& node, HfDecoder& decoder) {
  HEARTH_TRY(const DecoderRow* row, row_of(decoders, node, "decoder"));
  return row->add(node, decoder);
}

/// What Hugging Face's cleanup replaces in each token, in its order.
constexpr std::string_view clean_forms[][2] = {
    {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},    {" n't", "n't"},
    {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
};

std::string with_each(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  for (std::size_t at; (at = text.find(from)) != std::string_view::npos; text.remove_prefix(at + from.size()))
    out.append(text.substr(0, at)).append(to);
  return out.append(text);
}

}  // namespace

void HfDecoder::append_piece(std::string_view token, TokenType type, std::string& bytes) const {
  if (type == TokenType::byte) {
    bytes.push_back(static_cast<char>(*byte_of(token)));
    return;
  }
  const std::size_t begin = bytes.size();
  const bool joined = !joined_prefix.empty() && token.starts_with(joined_prefix);
  if (joined) token.remove_prefix(joined_prefix.size());
  if (spaced && !joined) bytes.push_back(' ');
  const bool ends_word = !word_suffix.empty() && token.ends_with(word_suffix);
  if (ends_word) token.remove_suffix(word_suffix.size());
  if (byte_letters && type != TokenType::user_defined) append_unlettered(token, bytes);
  else if (marks) append_unmarked(token, bytes);
  else bytes.append(token);
  if (ends_word) bytes.push_back(' ');
  if (!cleans_up) return;
  for (const auto& [from, to] : clean_forms)
    bytes.replace(begin, std::string::npos, with_each(std::string_view(bytes).substr(begin), from, to));
}

/// Without a decoder tokens are joined by spaces.
Result<HfDecoder> read_decoder(const JsonNode& node) {
  HfDecoder decoder;
  if (node.is_null()) {
    decoder.spaced = decoder.strips_first = true;
    return decoder;
  }
  HEARTH_CHECK(add_decoder(node, decoder));
  return decoder;
}

}  // namespace hearth::text
