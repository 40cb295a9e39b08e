// Enters: arbitrary bytes, the first of which says as what: a tokenizer.json and a text, a pipeline of steps and a text, or
// a charsmap and a text. Leaves: nothing, or a crash where an id lies outside the vocabulary or a charsmap makes no way.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "charsmap.h"
#include "hf_tokenizer.h"
#include "normalizer.h"

namespace {

using namespace hearth::text;

constexpr std::string_view normalizers[] = {
    R"json({"type":"NFC"})json",
    R"json({"type":"NFD"})json",
    R"json({"type":"NFKC"})json",
    R"json({"type":"NFKD"})json",
    R"json({"type":"Lowercase"})json",
    R"json({"type":"StripAccents"})json",
    R"json({"type":"Nmt"})json",
    R"json({"type":"BertNormalizer"})json",
    R"json({"type":"Prepend","prepend":"_"})json",
    R"json({"type":"Strip","strip_left":true,"strip_right":true})json",
    R"json({"type":"Replace","pattern":{"String":" "},"content":"_"})json",
    R"json({"type":"Replace","pattern":{"Regex":"\\s{2,}|a(?=b)"},"content":""})json",
};

constexpr std::string_view pre_tokenizers[] = {
    R"json({"type":"ByteLevel","add_prefix_space":true,"use_regex":true})json",
    R"json({"type":"Split","pattern":{"Regex":"\\p{L}+|\\s+(?!\\S)"},"behavior":"Isolated"})json",
    R"json({"type":"Split","pattern":{"Regex":"a*|b"},"behavior":"MergedWithPrevious","invert":true})json",
    R"json({"type":"Split","pattern":{"String":"_"},"behavior":"MergedWithNext"})json",
    R"json({"type":"Digits","individual_digits":true})json",
    R"json({"type":"Punctuation","behavior":"Contiguous"})json",
    R"json({"type":"BertPreTokenizer"})json",
    R"json({"type":"Whitespace"})json",
    R"json({"type":"WhitespaceSplit"})json",
    R"json({"type":"Metaspace","replacement":"_","prepend_scheme":"first","split":true})json",
};

constexpr std::string_view models[] = {
    R"json({"type":"BPE","unk_token":"?","fuse_unk":true,"vocab":{"?":0,"a":1,"b":2,"ab":3,"_":4,"_a":5,"aba":6},
            "merges":["a b","_ a","ab a"]})json",
    R"json({"type":"WordPiece","unk_token":"?","vocab":{"?":0,"a":1,"b":2,"##a":3,"##ab":4,"_":5},
            "max_input_chars_per_word":9})json",
    R"json({"type":"Unigram","unk_id":0,"vocab":[["?",0],["a",-1],["ab",-2.5],["_",-1],["_a",-1.5],["b",-3]]})json",
};

constexpr std::string_view added = R"("added_tokens":[
    {"id":7,"content":"<s>","special":true,"normalized":false,"lstrip":true,"rstrip":true},
    {"id":8,"content":"a b","special":false,"normalized":true,"single_word":true}])";

template <std::size_t n> std::string_view pick(const std::string_view (&rows)[n], std::uint8_t byte) {
  return rows[byte % n];
}

/// Any bytes are a pipeline: two normalizers, two pre-tokenizers, a model.
std::string pipeline(std::string_view choice) {
  const auto byte = [&](std::size_t i) {
    return i < choice.size() ? static_cast<std::uint8_t>(choice[i]) : std::uint8_t{0};
  };
  std::string json = "{";
  json.append(added).append(",\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[");
  json.append(pick(normalizers, byte(0))).append(",").append(pick(normalizers, byte(1)));
  json.append("]},\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[");
  json.append(pick(pre_tokenizers, byte(2))).append(",").append(pick(pre_tokenizers, byte(3)));
  return json.append("]},\"decoder\":{\"type\":\"Fuse\"},\"model\":").append(pick(models, byte(4))).append("}");
}

void encode_all(std::string_view json, std::string_view text, bool must_load) {
  const auto tokenizer = read_tokenizer_json(json, "'fuzz'");
  if (!tokenizer) {
    if (must_load || tokenizer.error().message().find('\n') != std::string::npos) std::abort();
    return;
  }
  for (const bool parse_special : {false, true}) {
    const auto ids = tokenizer->encode(text, {.add_special = true, .parse_special = parse_special});
    if (!ids) continue;  // an unknown character, or a regex that gave up
    if (!tokenizer->decode(*ids)) std::abort();
  }
}

void map_all(std::string_view bytes, std::string_view text) {
  const auto map = Charsmap::parse(std::as_bytes(std::span(bytes)), "'fuzz'");
  if (!map) return;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const Charsmap::Match longest = map->longest(text.substr(at)), shortest = map->shortest(text.substr(at));
    if (longest.length < shortest.length || longest.length > text.size() - at) std::abort();
  }
  mapped_by_graphemes(text, *map);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const char mode = input.empty() ? '{' : input.front();
  // A newline ends what describes the tokenizer, the text follows; a tokenizer.json begins with its own brace.
  const std::size_t newline = mode == 'm' ? input.rfind('\n') : input.find('\n');
  const std::string_view head = input.substr(0, newline);
  const std::string_view text = newline == std::string_view::npos ? head : input.substr(newline + 1);
  if (mode == 'p') encode_all(pipeline(head.substr(1)), text, true);
  else if (mode == 'm') map_all(head.substr(1), text);
  else encode_all(head, text, false);
  return 0;
}
