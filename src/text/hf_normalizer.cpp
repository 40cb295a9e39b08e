// Enters: the "normalizer" of a tokenizer.json. Leaves: its steps.
#include "byte_letters.h"
#include "characters.h"
#include "charsmap.h"
#include "hf_steps.h"
#include "normalizer.h"
#include "try.h"

namespace hearth::text {
namespace {

/// A step that cannot fail.
template <class Change> NormalizerStep changing(Change change) {
  return [change](std::string& text) -> Result<void> {
    text = change(std::string_view(text));
    return {};
  };
}

template <NormalForm form> Result<NormalizerSteps> make_form(const JsonNode&) {
  return NormalizerSteps{changing([](std::string_view text) { return normal_form(text, form); })};
}

Result<NormalizerSteps> make_lowercase(const JsonNode&) { return NormalizerSteps{changing(lower_case)}; }

Result<NormalizerSteps> make_strip_accents(const JsonNode&) {
  return NormalizerSteps{changing([](std::string_view text) { return without(text, is_mark); })};
}

Result<NormalizerSteps> make_nmt(const JsonNode&) { return NormalizerSteps{changing(nmt_cleaned)}; }

Result<NormalizerSteps> make_bert_normalizer(const JsonNode& node) {
  HEARTH_TRY(const bool clean, node["clean_text"].flag_or(true));
  HEARTH_TRY(const bool ideographs, node["handle_chinese_chars"].flag_or(true));
  HEARTH_TRY(const bool lowers, node["lowercase"].flag_or(true));
  HEARTH_TRY(const bool accents, node["strip_accents"].flag_or(lowers));
  NormalizerSteps steps;
  if (clean) steps.push_back(changing(bert_cleaned));
  if (ideographs) steps.push_back(changing(bert_spaced_ideographs));
  if (accents) {
    steps.push_back(
        changing([](std::string_view text) { return without(normal_form(text, NormalForm::nfd), is_accent); }));
  }
  if (lowers) steps.push_back(changing(lower_case));
  return steps;
}

Result<NormalizerSteps> make_prepend(const JsonNode& node) {
  HEARTH_TRY(const std::string_view prefix, node["prepend"].text());
  return NormalizerSteps{changing([prefix = std::string(prefix)](std::string_view text) {
    return text.empty() ? std::string() : prefix + std::string(text);
  })};
}

Result<NormalizerSteps> make_strip(const JsonNode& node) {
  HEARTH_TRY(const bool left, node["strip_left"].flag_or(true));
  HEARTH_TRY(const bool right, node["strip_right"].flag_or(true));
  return NormalizerSteps{
      changing([left, right](std::string_view text) { return std::string(stripped(text, left, right)); })};
}

Result<NormalizerSteps> make_replace(const JsonNode& node) {
  HEARTH_TRY(const std::shared_ptr<const Pattern> pattern, read_pattern(node["pattern"]));
  HEARTH_TRY(const std::string_view content, node["content"].text());
  return NormalizerSteps{[pattern, content = std::string(content)](std::string& text) -> Result<void> {
    std::vector<Stretch> stretches;
    HEARTH_CHECK(pattern->stretches(text, stretches));
    std::string out;
    for (const Stretch& stretch : stretches) {
      if (out.size() > max_normalized) break;
      out.append(stretch.matched ? content : text.substr(stretch.begin, stretch.end - stretch.begin));
    }
    text = std::move(out);
    return {};
  }};
}

Result<NormalizerSteps> make_byte_level_normalizer(const JsonNode&) {
  return NormalizerSteps{changing([](std::string_view text) {
    std::string out;
    for (char c : text) append_byte_letter(static_cast<std::uint8_t>(c), out);
    return out;
  })};
}

std::optional<std::vector<std::byte>> from_base64(std::string_view text) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<std::byte> bytes;
  unsigned buffer = 0, bits = 0;
  while (text.ends_with('=')) text.remove_suffix(1);
  for (char c : text) {
    const std::size_t digit = digits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    buffer = (buffer << 6 | static_cast<unsigned>(digit)) & 0xfff;
    bits += 6;
    if (bits >= 8) bytes.push_back(static_cast<std::byte>(buffer >> (bits -= 8) & 0xff));
  }
  return bytes;
}

Result<NormalizerSteps> make_precompiled(const JsonNode& node) {
  HEARTH_TRY(const std::string_view base64, node["precompiled_charsmap"].text_or(""));
  const auto bytes = from_base64(base64);
  if (!bytes) return node["precompiled_charsmap"].malformed("is not base64");
  HEARTH_TRY(Charsmap parsed, Charsmap::parse(*bytes, node.where()));
  const auto map = std::make_shared<const Charsmap>(std::move(parsed));
  if (map->empty()) return NormalizerSteps{};
  return NormalizerSteps{changing([map](std::string_view text) { return mapped_by_graphemes(text, *map); })};
}

Result<NormalizerSteps> make_normalizer_sequence(const JsonNode& node) {
  return read_each(node["normalizers"], read_normalizer);
}

/// THE table of normalizers: "type", maker.
struct NormalizerRow {
  std::string_view type;
  Result<NormalizerSteps> (*make)(const JsonNode& node);
};
constexpr NormalizerRow normalizers[] = {
    {"NFC", make_form<NormalForm::nfc>},
    {"NFD", make_form<NormalForm::nfd>},
    {"NFKC", make_form<NormalForm::nfkc>},
    {"NFKD", make_form<NormalForm::nfkd>},
    {"Lowercase", make_lowercase},
    {"StripAccents", make_strip_accents},
    {"Nmt", make_nmt},
    {"BertNormalizer", make_bert_normalizer},
    {"Prepend", make_prepend},
    {"Strip", make_strip},
    {"Replace", make_replace},
    {"ByteLevel", make_byte_level_normalizer},
    {"Precompiled", make_precompiled},
    {"Sequence", make_normalizer_sequence},
};

}  // namespace

Result<NormalizerSteps> read_normalizer(const JsonNode& node) {
  if (node.is_null()) return NormalizerSteps{};
  HEARTH_TRY(const NormalizerRow* row, row_of(normalizers, node, "normalizer"));
  return row->make(node);
}

}  // namespace hearth::text
