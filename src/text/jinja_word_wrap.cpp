// Enters: a paragraph. Leaves: its lines, none longer than the width, as Python's textwrap breaks them.
#include "jinja_word_wrap.h"

#include <algorithm>

#include "jinja_unicode.h"

namespace hearth::text::jinja {
namespace {

using Chunk = std::u32string_view;

bool blank(Chunk chunk) { return is_space(chunk[0]); }

/// A hyphen between letters, at least two before it.
bool may_break_after(Chunk text, std::size_t i) {
  return text[i] == '-' && i >= 2 && i + 2 < text.size() && is_alpha(text[i - 1]) && is_alpha(text[i - 2]) &&
         is_alpha(text[i + 1]) && (is_alpha(text[i + 2]) || text[i + 2] == '-');
}

/// Words, their parts after hyphens, and the white space between them.
std::vector<Chunk> chunks_of(Chunk text, bool break_on_hyphens) {
  std::vector<Chunk> chunks;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool last = i + 1 == text.size();
    const bool border = last || is_space(text[i]) != is_space(text[i + 1]);
    if (!border && !(break_on_hyphens && may_break_after(text, i))) continue;
    chunks.push_back(text.substr(begin, i + 1 - begin));
    begin = i + 1;
  }
  return chunks;
}

}  // namespace

std::vector<std::string> word_wrapped(std::string_view paragraph, std::size_t width, bool break_long_words,
                                      bool break_on_hyphens) {
  const std::u32string codes = decode(paragraph);
  std::vector<Chunk> left = chunks_of(codes, break_on_hyphens);
  std::reverse(left.begin(), left.end());
  std::vector<std::string> lines;
  while (!left.empty()) {
    if (!lines.empty() && blank(left.back())) left.pop_back();
    std::vector<Chunk> line;
    std::size_t length = 0;
    while (!left.empty() && length + left.back().size() <= width) {
      length += left.back().size();
      line.push_back(left.back());
      left.pop_back();
    }
    if (!left.empty() && left.back().size() > width) {
      if (break_long_words) {
        std::size_t cut = width - length;
        const std::size_t hyphen = cut == 0 ? Chunk::npos : left.back().rfind(U'-', cut - 1);
        const bool at_hyphen = break_on_hyphens && left.back().size() > cut && hyphen != Chunk::npos && hyphen > 0 &&
                               left.back().substr(0, hyphen).find_first_not_of(U'-') != Chunk::npos;
        if (at_hyphen) cut = hyphen + 1;
        line.push_back(left.back().substr(0, cut));
        left.back().remove_prefix(cut);
      } else if (line.empty()) {
        line.push_back(left.back());
        left.pop_back();
      }
    }
    if (!line.empty() && (line.back().empty() || blank(line.back()))) line.pop_back();
    std::u32string text;
    for (const Chunk chunk : line) text += chunk;
    if (!line.empty()) lines.push_back(encode(text));
  }
  return lines;
}

}  // namespace hearth::text::jinja
