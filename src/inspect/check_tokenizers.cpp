// Enters: the tokenizers of a GGUF file and of the same model's tokenizer.json. Leaves: how they differ.
#include <algorithm>

#include "check.h"
#include "escape.h"
#include "space_mark.h"

namespace hearth::inspect {
namespace {

using Severity = tools::Finding::Severity;
using text::TokenType;

constexpr std::size_t shown = 10;  // differing tokens that are listed one by one

/// Texts that tokenizers stumble over: cases, white space, numbers, scripts, marks, emoji, code.
constexpr std::string_view probes[] = {
    "Hello world",
    " Hello  world ",
    "Hello, y'all! How are you?\nI'm fine; it's 3.14 past 10:30.",
    "\n\n\n  \t\t indented\r\n",
    "1 12 123 1234 12345 1,000,000 0x1F 1e-9",
    "don't CAN'T we'll I'VE they're",
    "snake_case camelCase kebab-case SHOUTING",
    "def f(x):\n    return x**2  # square\n\n\nclass A:\n\tpass\n",
    "{\"json\": [1, 2, {\"k\": null}]}",
    "https://example.org/a?b=c&d=%20#e",
    "été Füße naïve São Paulo",
    "e\u0301 a\u0308 n\u0303",
    "ﬁ ﬂ ½ ² Ⅷ １２３ ＡＢＣ",
    "данные огонь и вода",
    "مرحبا بالعالم",
    "שלום עולם",
    "नमस्ते दुनिया",
    "สวัสดีชาวโลก",
    "你好，世界。模型",
    "こんにちは、世界。ｶﾞ",
    "안녕하세요 세계",
    "🔥🔥 👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽",
    "a\u00a0b\u3000c\u200bd\u2028e",
    "∑∫√ ≤ αβγ ℝ",
    "!!!???...,,,;;;:::",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "▁ ▁▁ a▁b",
};

/// GGUF writes WordPiece the other way round: U+2581 before what begins a word, nothing before what goes on.
std::string as_gguf_writes(const text::Tokenizer& gguf, std::string_view text, TokenType type) {
  const bool turns = gguf.vocab().model() == "bert" && text::is_text(type);
  if (!turns) return std::string(text);
  if (text.starts_with("##") && text.size() > 2) return std::string(text.substr(2));
  return std::string(text::space_mark) + std::string(text);
}

void compare_texts(const text::Tokenizer& gguf, const text::Tokenizer& json, Findings& findings) {
  const text::Vocab &a = gguf.vocab(), &b = json.vocab();
  const std::int32_t common = std::min(a.size(), b.size());
  std::size_t differing = 0;
  for (std::int32_t id = 0; id < common; ++id) {
    const std::string wanted = as_gguf_writes(gguf, b.token(id), b.type(id));
    const bool hole = b.type(id) == TokenType::unused && b.token(id).empty();
    if (hole || a.token(id) == wanted || a.token(id) == b.token(id)) continue;
    if (++differing > shown) continue;
    findings.push_back({Severity::fatal, "comparison",
                        "token " + std::to_string(id) + " is \"" + escape(a.token(id)) + "\", in tokenizer.json \"" +
                            escape(b.token(id)) + "\""});
  }
  if (differing > shown) {
    findings.push_back({Severity::fatal, "comparison",
                        std::to_string(differing) + " tokens differ, " + std::to_string(shown) + " are listed"});
  }
  if (a.size() == b.size()) return;
  const bool lacks = a.size() < b.size();  // more are padding, which converters add
  findings.push_back(
      {lacks ? Severity::fatal : Severity::note, "comparison",
       "the vocabulary has " + std::to_string(a.size()) + " tokens, in tokenizer.json " + std::to_string(b.size())});
}

std::string listed(const std::vector<std::int32_t>& ids, std::size_t from, std::size_t most) {
  std::string text;
  for (std::size_t i = from; i < std::min(ids.size(), from + most); ++i) {
    text.append(text.empty() ? "" : ",").append(std::to_string(ids[i]));
  }
  return "[" + text + (ids.size() > from + most ? ",…]" : "]");
}

/// `name` says what the ids are of.
void compare_ids(Severity severity, const Result<std::vector<std::int32_t>>& a,
                 const Result<std::vector<std::int32_t>>& b, const std::string& name, Findings& findings) {
  if (!a || !b) {
    findings.push_back({severity, "comparison", name + ": " + (a ? b.error() : a.error()).message()});
    return;
  }
  if (*a == *b) return;
  const auto place =
      static_cast<std::size_t>(std::mismatch(a->begin(), a->end(), b->begin(), b->end()).first - a->begin());
  findings.push_back({severity, "comparison",
                      name + " differ from index " + std::to_string(place) + " on: " + listed(*a, place, 8) +
                          ", in tokenizer.json " + listed(*b, place, 8)});
}

}  // namespace

void compare_tokenizers(const text::Tokenizer& gguf, const text::Tokenizer& json, Findings& findings) {
  compare_texts(gguf, json, findings);
  // Models may add these by their tokenizer_config.json, of which a tokenizer.json knows nothing.
  compare_ids(Severity::warning, gguf.encode("", {.add_special = true}), json.encode("", {.add_special = true}),
              "the special tokens around a text", findings);
  for (const std::string_view probe : probes) {
    compare_ids(Severity::fatal, gguf.encode(probe), json.encode(probe), "the tokens of \"" + escape(probe) + "\"",
                findings);
  }
}

}  // namespace hearth::inspect
