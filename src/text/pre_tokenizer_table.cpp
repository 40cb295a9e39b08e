// Enters: nothing. Leaves: THE table of pre-tokenizers. Names, regexes and defaults are facts of the models' own
// tokenizer.json files and of llama.cpp's list of names, as read in August 2026.
#include "pre_tokenizer_table.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

namespace hearth::text {
namespace {

#define HEARTH_CONTRACTION "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define HEARTH_SPACES R"(|\s*[\r\n]+|\s+(?!\S)|\s+)"

constexpr PreTokenizerStep gpt2_words{R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"};
constexpr PreTokenizerStep llama3_words{
    HEARTH_CONTRACTION R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)" HEARTH_SPACES};
constexpr PreTokenizerStep qwen2_words{HEARTH_CONTRACTION
                                       R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)" HEARTH_SPACES};
constexpr PreTokenizerStep qwen35_words{
    HEARTH_CONTRACTION R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*)" HEARTH_SPACES};
// The tokenizer has \s*[\r\n]+. Where a run of spaces was cut, no line break follows in it: none is looked for from there.
constexpr PreTokenizerStep jais2_words{
    HEARTH_CONTRACTION
    R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|(?<![^\S\r\n])\s*[\r\n]+|)"
    R"(\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|)"
    R"(\s{1,2}(?!\S)|\s{1})"};
constexpr PreTokenizerStep bailing_words{
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)"};
constexpr PreTokenizerStep seed_words{HEARTH_CONTRACTION
                                      R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+)" HEARTH_SPACES};
// Written without a group inside a repeated group; the same words, since each part takes all it can and never gives back.
constexpr PreTokenizerStep exaone_moe_words{
    HEARTH_CONTRACTION
    R"(|[^\r\n\p{L}\p{N}]?\p{L}[\p{L}\p{M}]*+(?: \p{L}[\p{L}\p{M}]*+)*+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n])"
    R"(|\s+(?!\S)|\s+)"};

// A word in one case or with a capital: marks and letters without case may stand in either part.
#define HEARTH_UPPER R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])"
#define HEARTH_LOWER R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])"
#define HEARTH_CASED(upper, lower, tail) \
  R"([^\r\n\p{L}\p{N}]?)" upper "*" lower "+" tail R"(|[^\r\n\p{L}\p{N}]?)" upper "+" lower "*" tail
#define HEARTH_OTHER R"(| ?[^\s\p{L}\p{N}]+[\r\n/]*)" HEARTH_SPACES

constexpr PreTokenizerStep o200k_words{
    HEARTH_CASED(HEARTH_UPPER, HEARTH_LOWER, HEARTH_CONTRACTION "?") R"(|\p{N}{1,3})" HEARTH_OTHER};
constexpr PreTokenizerStep youtu_words{
    HEARTH_CASED(HEARTH_UPPER, HEARTH_LOWER, HEARTH_CONTRACTION "?") R"(|\p{N})" HEARTH_OTHER};
constexpr PreTokenizerStep tekken_words{HEARTH_CASED(HEARTH_UPPER, HEARTH_LOWER, "") R"(|\p{N})" HEARTH_OTHER};

// The same two classes without Han: PCRE2 cannot subtract, so each is what is in none of the others.
#define HEARTH_NO_HAN_UPPER R"([^\p{Ll}\p{N}\p{P}\p{S}\p{Z}\p{C}\p{Han}])"
#define HEARTH_NO_HAN_LOWER R"([^\p{Lu}\p{Lt}\p{N}\p{P}\p{S}\p{Z}\p{C}\p{Han}])"
constexpr PreTokenizerStep kimi_words{
    R"(\p{Han}+|)" HEARTH_CASED(HEARTH_NO_HAN_UPPER, HEARTH_NO_HAN_LOWER,
                                HEARTH_CONTRACTION "?") R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)" HEARTH_SPACES};

constexpr PreTokenizerStep single_digit{R"(\p{N})"};
constexpr PreTokenizerStep digit_runs{R"(\p{N}+)"};
constexpr PreTokenizerStep three_digits{R"(\p{N}{1,3})"};
constexpr PreTokenizerStep three_ascii_digits{"[0-9][0-9][0-9]"};
// These three look ahead over all the digits from each of them in their tokenizers: \p{N}{1,3}(?=(\p{N}{3})*(?!\p{N})),
// \d{1,3}(?=(\d{3})*\b) and (?=(\d{3})+(?!\d)). Counting from the right of each run does the same once.
constexpr PreTokenizerStep thousands{R"(\p{N}+)", Thousands::apart};
constexpr PreTokenizerStep thousands_before_border{R"((?<!\d)\d++(?!\w))", Thousands::apart};
constexpr PreTokenizerStep before_thousands{R"(\d+)", Thousands::borders};

constexpr PreTokenizerStep line_break{R"([\r\n])"};
constexpr PreTokenizerStep letters_of_deepseek{
    R"(\s?[A-Za-z\x{b5}\x{c0}-\x{d6}\x{d8}-\x{f6}\x{f8}-\x{1ba}\x{1bc}-\x{1bf}\x{1c4}-\x{293}\x{295}-\x{2af})"
    R"(\x{370}-\x{373}\x{376}\x{377}\x{37b}-\x{37d}\x{37f}\x{386}\x{388}-\x{38a}\x{38c}\x{38e}-\x{3a1}\x{3a3}-\x{3f5})"
    R"(\x{3f7}-\x{481}\x{48a}-\x{52f}\x{531}-\x{556}\x{10a0}-\x{10c5}\x{13a0}-\x{13f5}\x{13f8}-\x{13fd})"
    R"(\x{1c90}-\x{1cba}\x{1cbd}-\x{1cbf}\x{1d00}-\x{1d2b}\x{1d6b}-\x{1d77}\x{1d79}-\x{1d9a}\x{1e00}-\x{1f15})"
    R"(\x{1f18}-\x{1f1d}\x{1f20}-\x{1f45}\x{1f48}-\x{1f4d}\x{1f50}-\x{1f57}\x{1f59}\x{1f5b}\x{1f5d}\x{1f5f}-\x{1f7d})"
    R"(\x{1f80}-\x{1fb4}\x{1fb6}-\x{1fbc}\x{1fbe}\x{1fc2}-\x{1fc4}\x{1fc6}-\x{1fcc}\x{1fd0}-\x{1fd3}\x{1fd6}-\x{1fdb})"
    R"(\x{1fe0}-\x{1fec}\x{1ff2}-\x{1ff4}\x{1ff6}-\x{1ffc}\x{2102}\x{2107}\x{210a}-\x{2113}\x{2115}\x{2119}-\x{211d})"
    R"(\x{2124}\x{2126}\x{2128}\x{212a}-\x{212d}\x{212f}-\x{2134}\x{2139}\x{213c}-\x{213f}\x{2145}-\x{2149}\x{214e})"
    R"(\x{2183}\x{2184}\x{2c00}-\x{2c7b}\x{2c7e}-\x{2ce4}\x{2ceb}-\x{2cee}\x{2cf2}\x{2cf3}\x{a640}-\x{a66d})"
    R"(\x{a680}-\x{a69b}\x{a722}-\x{a76f}\x{a771}-\x{a787}\x{a78b}-\x{a78e}\x{ab70}-\x{abbf}\x{fb00}-\x{fb06})"
    R"(\x{fb13}-\x{fb17}\x{ff21}-\x{ff3a}\x{ff41}-\x{ff5a}\x{10400}-\x{1044f}\x{104b0}-\x{104d3}\x{104d8}-\x{104fb})"
    R"(\x{10c80}-\x{10cb2}\x{10cc0}-\x{10cf2}\x{118a0}-\x{118df}\x{1e900}-\x{1e943}]+)"};
constexpr PreTokenizerStep marks_of_deepseek{
    R"(\s?[!-/:-~\x{ff01}-\x{ff0f}\x{ff1a}-\x{ff5e}\x{2018}-\x{201f}\x{3000}-\x{3002}]+)"};
// The tokenizer has \s+$; a match that reaches the end can only begin where its spaces begin.
constexpr PreTokenizerStep spaces_at_end{R"((?<!\s)\s+$)"};
constexpr PreTokenizerStep east_asia_of_deepseek{R"([\x{4e00}-\x{9fa5}\x{800}-\x{4e00}\x{ac00}-\x{d7ff}]+)"};
constexpr PreTokenizerStep letters_after_space{R"(\s?\p{L}+)"};
constexpr PreTokenizerStep marks_after_space{R"(\s?\p{P}+)"};
constexpr PreTokenizerStep han_and_kana{R"([\x{4e00}-\x{9fa5}\x{3040}-\x{309f}\x{30a0}-\x{30ff}]+)"};
constexpr PreTokenizerStep deepseek3_words{
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*)" HEARTH_SPACES};
constexpr PreTokenizerStep scripts_of_youtu{
    R"([\x{ac00}-\x{d7a3}\x{3131}-\x{318e}]+|)"
    R"([\x{ff01}\x{2026}\x{201c}\x{201d}\x{2018}\x{2019}\x{2014}\x{ff1a}\x{ff1b}\x{ff0c}\x{3001}-\x{303f}\x{fe30}-\x{fe4f}]+|)"
    R"([\x{3105}-\x{312f}]+|[\x{4e00}-\x{9fa5}\x{3040}-\x{309f}\x{30a0}-\x{30ff}]+)"};
constexpr PreTokenizerStep scripts_of_afmoe{
    R"([\x{4e00}-\x{9fff}\x{3400}-\x{4dbf}\x{f900}-\x{faff}\x{3040}-\x{309f}\x{30a0}-\x{30ff}\x{ff65}-\x{ff9f})"
    R"(\x{2f00}-\x{2fdf}\x{e40}-\x{e7f}\x{e80}-\x{eff}\x{1780}-\x{17ff}\x{1000}-\x{109f}\x{aa60}-\x{aa7f})"
    R"(\x{a9e0}-\x{a9ff}\x{ac00}-\x{d7af}\x{1100}-\x{11ff}]+)"};

constexpr PreTokenizerStep marks_of_falcon{R"([\p{P}\$\+<=>\^~\|`]+)"};
constexpr PreTokenizerStep marks_of_default{R"([\p{P}\$\+<=>\^~\|]+)"};
constexpr PreTokenizerStep words_of_bloom{R"( ?[^(\s|.,!?\x{2026}\x{3002}\x{ff0c}\x{3001}\x{964}\x{6d4}\x{60c})]+)"};
constexpr PreTokenizerStep sentinels_of_chameleon{"<sentinel:[0-9]+>"};
constexpr PreTokenizerStep images_of_chameleon{"IMGIMG[A-I]{1,4}Z"};
constexpr PreTokenizerStep spaces_of_chameleon{R"([\t\n]|    |  )"};
constexpr PreTokenizerStep marks_of_chameleon{R"([\p{P}!-/:-@\[-`{-~])"};
constexpr PreTokenizerStep whole_lines{R"([^\n]+|\n+)"};

#undef HEARTH_CONTRACTION
#undef HEARTH_SPACES
#undef HEARTH_UPPER
#undef HEARTH_LOWER
#undef HEARTH_CASED
#undef HEARTH_OTHER
#undef HEARTH_NO_HAN_UPPER
#undef HEARTH_NO_HAN_LOWER

/// THE table.
constexpr PreTokenizerRow pre_tokenizer_rows[] = {
    {"default", {&marks_of_default, &gpt2_words, &digit_runs, &three_ascii_digits}},
    {"llama-bpe llama3 llama-v3 laguna falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
     {&llama3_words},
     {.add_bos = true, .ignore_merges = true}},
    {"dbrx smaug-bpe chatglm-bpe glm4", {&llama3_words}},
    {"jais-2", {&jais2_words}},
    {"qwen2 deepseek-r1-qwen kormo openpangu f2llmv2 megrez stablelm2 hunyuan solar-open grok-2", {&qwen2_words}},
    {"qwen35", {&qwen35_words}},
    {"deepseek-llm",
     {&line_break, &letters_of_deepseek, &marks_of_deepseek, &spaces_at_end, &east_asia_of_deepseek, &digit_runs}},
    {"deepseek-coder", {&line_break, &letters_after_space, &marks_after_space, &east_asia_of_deepseek, &single_digit}},
    {"deepseek-v3 hunyuan-dense joyai-llm", {&three_digits, &han_and_kana, &deepseek3_words}},
    {"youtu", {&scripts_of_youtu, &youtu_words}, {.ignore_merges = true}},
    {"falcon", {&marks_of_falcon, &gpt2_words, &three_ascii_digits}},
    {"starcoder refact command-r cohere2_moe smollm codeshell exaone minerva-7b mellum2", {&single_digit, &gpt2_words}},
    {"gpt-2 phi-2 jina-es jina-de jina-v1-en jina-v2-es jina-v2-de jina-v2-code roberta-bpe gigachat a.x-4.0 mellum "
     "modern-bert mpt olmo jais trillion granite-docling exaone4",
     {&gpt2_words}},
    {"bloom poro-chat gpt3-finnish", {&words_of_bloom}},
    {"viking", {&words_of_bloom, &single_digit}},
    {"tekken", {&tekken_words}, {.add_bos = true, .ignore_merges = true}},
    {"chameleon",
     {&sentinels_of_chameleon, &images_of_chameleon, &spaces_of_chameleon, &single_digit, &marks_of_chameleon,
      &gpt2_words},
     {.add_bos = true}},
    {"gpt-4o o200k llama4 kanana2 minimax-m2", {&o200k_words}},
    {"tiny_aya", {&thousands_before_border, &o200k_words}},
    {"kimi-k2", {&kimi_words}},
    {"superbpe", {&digit_runs, &before_thousands}},
    {"bailingmoe bailingmoe2 llada-moe", {&bailing_words}},
    {"seed-coder", {&seed_words}},
    {"afmoe", {&thousands, &scripts_of_afmoe, &deepseek3_words}},
    {"exaone-moe", {&exaone_moe_words}},
    {"gemma4", {&whole_lines}, {.add_bos = true, .byte_level = false}},
};

/// Calls visit(name) for each name of a row until it says true.
template <class Visit> bool any_name(const PreTokenizerRow& row, Visit&& visit) {
  for (std::string_view rest = row.names; !rest.empty();) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    if (visit(rest.substr(0, end))) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

/// Levenshtein's distance, one row of his table at a time. The longer name is cut: beyond that nothing is near.
std::size_t distance(std::string_view a, std::string_view b) {
  a = a.substr(0, 64);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j < row.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::span<const PreTokenizerRow> pre_tokenizers() { return pre_tokenizer_rows; }

const PreTokenizerRow* find_pre_tokenizer(std::string_view name) {
  const auto found = std::find_if(
      std::begin(pre_tokenizer_rows), std::end(pre_tokenizer_rows),
      [&](const PreTokenizerRow& row) { return any_name(row, [&](std::string_view known) { return known == name; }); });
  return found == std::end(pre_tokenizer_rows) ? nullptr : found;
}

std::string_view nearest_pre_tokenizer(std::string_view name) {
  std::string_view nearest;
  std::size_t fewest = std::numeric_limits<std::size_t>::max();
  for (const PreTokenizerRow& row : pre_tokenizer_rows) {
    any_name(row, [&](std::string_view known) {
      const std::size_t changes = distance(name, known);
      if (changes < fewest) fewest = changes, nearest = known;
      return false;
    });
  }
  return nearest;
}

}  // namespace hearth::text
