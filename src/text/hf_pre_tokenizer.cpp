// Enters: the "pre_tokenizer" of a tokenizer.json. Leaves: its steps.
#include <algorithm>

#include "byte_letters.h"
#include "characters.h"
#include "escape.h"
#include "hf_steps.h"
#include "normalizer.h"
#include "space_mark.h"
#include "try.h"

namespace hearth::text {
namespace {

SplitStep splitting(std::shared_ptr<const Pattern> pattern, SplitBehavior behavior, bool invert = false) {
  return [pattern, behavior, invert](Pieces& pieces) { return split_pieces(pieces, *pattern, behavior, invert); };
}

SplitStep splitting(bool (*holds)(std::int32_t code), SplitBehavior behavior) {
  return splitting(std::make_shared<const ClassPattern>(holds), behavior);
}

/// Writes every piece anew; append(piece, first, out).
template <class Append> SplitStep rewriting(Append append) {
  return [append](Pieces& pieces) -> Result<void> {
    std::string out;
    for (std::size_t i = 0; i < pieces.spans.size(); ++i) {
      const std::size_t begin = out.size();
      append(pieces[i], i == 0 && pieces.at_start, out);
      HEARTH_CHECK(check_normalized(out.size()));
      pieces.spans[i] = {begin, out.size()};
    }
    pieces.text = std::move(out);
    return {};
  };
}

Result<std::shared_ptr<const Pattern>> regex_pattern(std::string_view regex) {
  HEARTH_TRY(Regex compiled, Regex::compile(regex));
  return std::shared_ptr<const Pattern>(std::make_shared<const RegexPattern>(std::move(compiled)));
}

/// \uHHHH, which those tokenizers' regexes have, is \x{HHHH} in PCRE2's.
std::string with_pcre2_escapes(std::string_view regex) {
  std::string out;
  for (std::size_t at = 0; at < regex.size(); ++at) {
    const std::string_view digits = regex.substr(std::min(at + 2, regex.size()), 4);
    const bool code = regex.substr(at, 2) == "\\u" && digits.size() == 4 &&
                      digits.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
    if (code) out.append("\\x{").append(digits).append("}"), at += 5;
    else {
      out.push_back(regex[at]);
      if (regex[at] == '\\' && at + 1 < regex.size())
        out.push_back(regex[++at]);  // an escaped backslash begins nothing
    }
  }
  return out;
}

struct BehaviorRow {
  std::string_view name;
  SplitBehavior behavior;
};
constexpr BehaviorRow behaviors[] = {
    {"Removed", SplitBehavior::removed},
    {"Isolated", SplitBehavior::isolated},
    {"MergedWithPrevious", SplitBehavior::merged_with_previous},
    {"MergedWithNext", SplitBehavior::merged_with_next},
    {"Contiguous", SplitBehavior::contiguous},
};

Result<SplitBehavior> read_behavior(const JsonNode& node) {
  HEARTH_TRY(const std::string_view name, node.text_or("Isolated"));
  for (const BehaviorRow& row : behaviors) {
    if (row.name == name) return row.behavior;
  }
  return node.unsupported("is \"" + escape(name) + "\", a behavior that is not known here");
}

Result<SplitSteps> make_byte_level_split(const JsonNode& node) {
  // The words of GPT-2, which a byte-level step cuts where it is not told otherwise.
  constexpr std::string_view words = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
  HEARTH_TRY(const bool prefix, node["add_prefix_space"].flag_or(true));
  HEARTH_TRY(const bool cuts, node["use_regex"].flag_or(true));
  SplitSteps steps;
  if (prefix) {
    steps.push_back(rewriting([](std::string_view piece, bool, std::string& out) {
      if (!piece.starts_with(' ')) out.push_back(' ');
      out.append(piece);
    }));
  }
  if (cuts) {
    HEARTH_TRY(const std::shared_ptr<const Pattern> pattern, regex_pattern(words));
    steps.push_back(splitting(pattern, SplitBehavior::isolated));
  }
  steps.push_back(rewriting([](std::string_view piece, bool, std::string& out) {
    for (char c : piece) append_byte_letter(static_cast<std::uint8_t>(c), out);
  }));
  return steps;
}

Result<SplitSteps> make_split(const JsonNode& node) {
  HEARTH_TRY(const std::shared_ptr<const Pattern> pattern, read_pattern(node["pattern"]));
  HEARTH_TRY(const SplitBehavior behavior, read_behavior(node["behavior"]));
  HEARTH_TRY(const bool invert, node["invert"].flag_or(false));
  return SplitSteps{splitting(pattern, behavior, invert)};
}

Result<SplitSteps> make_digits(const JsonNode& node) {
  HEARTH_TRY(const bool each, node["individual_digits"].flag_or(false));
  return SplitSteps{splitting(is_number, each ? SplitBehavior::isolated : SplitBehavior::contiguous)};
}

Result<SplitSteps> make_punctuation(const JsonNode& node) {
  HEARTH_TRY(const SplitBehavior behavior, read_behavior(node["behavior"]));
  return SplitSteps{splitting(is_bert_punctuation, behavior)};
}

Result<SplitSteps> make_bert_split(const JsonNode&) {
  return SplitSteps{splitting(is_white_space, SplitBehavior::removed),
                    splitting(is_bert_punctuation, SplitBehavior::isolated)};
}

Result<SplitSteps> make_whitespace_split(const JsonNode&) {
  return SplitSteps{splitting(is_white_space, SplitBehavior::removed)};
}

bool is_no_word(std::int32_t code) { return !is_word(code); }

/// Runs of word characters, and runs of what is neither word nor white space.
Result<SplitSteps> make_whitespace(const JsonNode&) {
  return SplitSteps{splitting(is_white_space, SplitBehavior::removed),
                    splitting(is_no_word, SplitBehavior::contiguous)};
}

Result<SplitSteps> make_delimiter(const JsonNode& node) {
  HEARTH_TRY(const std::string_view delimiter, node["delimiter"].text());
  return SplitSteps{splitting(std::make_shared<const LiteralPattern>(std::string(delimiter)), SplitBehavior::removed)};
}

/// Older files say add_prefix_space where newer ones name a scheme.
Result<SplitSteps> make_metaspace(const JsonNode& node) {
  HEARTH_TRY(const std::string_view mark, node["replacement"].text_or(space_mark));
  HEARTH_TRY(const bool prefix, node["add_prefix_space"].flag_or(true));
  HEARTH_TRY(const std::string_view scheme, node["prepend_scheme"].text_or(prefix ? "always" : "never"));
  HEARTH_TRY(const bool cuts, node["split"].flag_or(true));
  if (scheme != "always" && scheme != "first" && scheme != "never") {
    return node["prepend_scheme"].unsupported("is \"" + escape(scheme) + "\", which is not known here");
  }
  if (mark.empty() || first_character(mark).length != mark.size()) {
    return node["replacement"].malformed("is \"" + escape(mark) + "\", one character is needed");
  }
  const bool always = scheme == "always", never = scheme == "never";
  SplitSteps steps{
      rewriting([mark = std::string(mark), always, never](std::string_view piece, bool first, std::string& out) {
        const bool marked = piece.starts_with(' ') || piece.starts_with(mark);
        if (!never && (always || first) && !marked) out.append(mark);
        for (char c : piece) c == ' ' ? out.append(mark) : out.append(1, c);
      })};
  if (cuts) {
    steps.push_back(
        splitting(std::make_shared<const LiteralPattern>(std::string(mark)), SplitBehavior::merged_with_next));
  }
  return steps;
}

Result<SplitSteps> make_split_sequence(const JsonNode& node) {
  return read_each(node["pretokenizers"], read_pre_tokenizer);
}

/// THE table of pre-tokenizers of tokenizer.json: "type", maker.
struct SplitRow {
  std::string_view type;
  Result<SplitSteps> (*make)(const JsonNode& node);
};
constexpr SplitRow hf_pre_tokenizers[] = {
    {"ByteLevel", make_byte_level_split},
    {"Split", make_split},
    {"Digits", make_digits},
    {"Punctuation", make_punctuation},
    {"BertPreTokenizer", make_bert_split},
    {"WhitespaceSplit", make_whitespace_split},
    {"Whitespace", make_whitespace},
    {"CharDelimiterSplit", make_delimiter},
    {"Metaspace", make_metaspace},
    {"Sequence", make_split_sequence},
};

}  // namespace

Result<std::shared_ptr<const Pattern>> read_pattern(const JsonNode& node) {
  if (!node["Regex"].is_null()) {
    HEARTH_TRY(const std::string_view regex, node["Regex"].text());
    return regex_pattern(with_pcre2_escapes(regex));
  }
  HEARTH_TRY(const std::string_view literal, node["String"].text());
  return std::shared_ptr<const Pattern>(std::make_shared<const LiteralPattern>(std::string(literal)));
}

Result<SplitSteps> read_pre_tokenizer(const JsonNode& node) {
  if (node.is_null()) return SplitSteps{};
  HEARTH_TRY(const SplitRow* row, row_of(hf_pre_tokenizers, node, "pre-tokenizer"));
  return row->make(node);
}

}  // namespace hearth::text
