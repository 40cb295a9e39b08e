// Enters: a pattern and texts. Leaves: matches; PCRE2's errors as values.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "regex.h"

#include <pcre2.h>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "escape.h"

namespace hearth::text {
namespace {

constexpr std::string_view white_space =
    R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";
constexpr std::string_view no_white_space =
    R"(\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{84}\x{86}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027})"
    R"(\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{10ffff})";

/// \s and \S spelled out.
std::string with_white_space(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (in_class && pattern.substr(i, 2) == "[:") {  // a named class, whose bracket does not close the one around it
      const std::size_t end = std::min(pattern.find(":]", i), pattern.size() - 2) + 2;
      out.append(pattern.substr(i, end - i));
      i = end - 1;
      continue;
    }
    if (c != '\\' || i + 1 == pattern.size()) {
      in_class = c == '[' || (in_class && c != ']');
      out.push_back(c);
      continue;
    }
    const char escaped = pattern[++i];
    if (escaped != 's' && escaped != 'S') {
      out.append({c, escaped});
    } else if (in_class) {
      out.append(escaped == 's' ? white_space : no_white_space);
    } else {
      out.append(escaped == 's' ? "[" : "[^").append(white_space).append("]");
    }
  }
  return out;
}

std::string message_of(int code) {
  unsigned char text[128] = {};
  pcre2_get_error_message(code, text, sizeof text);
  return reinterpret_cast<const char*>(text);
}

/// The steps that a search may take, so that none goes on for ever: each alternative may look at all of the text once.
std::uint32_t step_limit(std::size_t bytes) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(most, 10000 + 32 * std::uint64_t{bytes}));
}

/// A search with limits on its steps and memory, by the interpreter: where there is no JIT, or its stack was too small.
int interpret(const pcre2_code* code, std::string_view text, std::size_t from, std::uint32_t options,
              pcre2_match_data* data) {
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  if (!context) return PCRE2_ERROR_NOMEMORY;
  constexpr std::uint32_t most_kib = 1 << 20;
  pcre2_set_match_limit(context, step_limit(text.size()));
  pcre2_set_heap_limit(context, most_kib);
  const int found =
      pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from, options, data, context);
  pcre2_match_context_free(context);
  return found;
}

}  // namespace

void Regex::Free::operator()(pcre2_real_code_8* code) const { pcre2_code_free(code); }

Regex::Memory::~Memory() { pcre2_match_data_free(data_); }

Result<Regex> Regex::compile(std::string_view pattern) {
  const std::string spelled = with_white_space(pattern);
  int code = 0;
  std::size_t at = 0;
  Regex regex;
  regex.code_.reset(
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(spelled.data()), spelled.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY | PCRE2_NO_AUTO_CAPTURE,
                    &code, &at, nullptr));
  if (!regex.code_) {
    return Error(Status::malformed, "the regex is refused: " + message_of(code) + "; \"" + escape(spelled) +
                                        "\" at byte " + std::to_string(at) + "; choose another pre-tokenizer");
  }
  regex.jit_ = pcre2_jit_compile(regex.code_.get(), PCRE2_JIT_COMPLETE) == 0;
  return regex;
}

Result<std::optional<Match>> Regex::find(std::string_view text, std::size_t from, Memory& memory) const {
  if (!memory.data_) memory.data_ = pcre2_match_data_create(1, nullptr);
  if (!memory.data_) return Error(Status::out_of_memory, "no memory for a regex search; pre-tokenizer; free some");
  constexpr std::uint32_t options = PCRE2_NOTEMPTY;
  int found = PCRE2_ERROR_JIT_STACKLIMIT;
  if (jit_) {
    found = pcre2_jit_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from, options,
                            memory.data_, nullptr);
  }
  if (found == PCRE2_ERROR_JIT_STACKLIMIT || found == PCRE2_ERROR_MATCHLIMIT) {
    found = interpret(code_.get(), text, from, options | PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, memory.data_);
  }
  if (found == PCRE2_ERROR_NOMATCH) return std::optional<Match>();
  if (found < 0) {
    return Error(Status::unsupported, "cutting the text into words failed: " + message_of(found) + "; a stretch of " +
                                          std::to_string(text.size()) + " bytes; cut it into parts");
  }
  const std::size_t* ends = pcre2_get_ovector_pointer(memory.data_);
  return std::optional(Match{ends[0], ends[1]});
}

}  // namespace hearth::text
