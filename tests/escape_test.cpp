// Enters: text nobody vouches for. Leaves: one line without anything a terminal acts upon (rows G24, C3 of
// BADINPUT.md).
#include "escape.h"

#include "support/catch.hpp"

namespace escape_test {

using hearth::escape;

TEST_CASE("sound text stays as it is", "[base]") {
  CHECK(escape("") == "");
  CHECK(escape("blk.0.attn_q.weight") == "blk.0.attn_q.weight");
  CHECK(escape("Grüße 你好 🙂") == "Grüße 你好 🙂");
}

TEST_CASE("controls, quotes and invalid bytes are escaped", "[base]") {
  CHECK(escape("a\nb\r\t") == "a\\nb\\r\\t");
  CHECK(escape(std::string_view("a\0b", 3)) == "a\\x00b");
  CHECK(escape("\x1b[31m%n") == "\\x1b[31m%n");
  CHECK(escape("it's \\") == "it\\'s \\\\");
  CHECK(escape("\xff\xc0\x80") == "\\xff\\xc0\\x80");           // overlong
  CHECK(escape("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // a surrogate
  CHECK(escape("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
  CHECK(escape("\xe4\xbd") == "\\xe4\\xbd");                    // cut
  CHECK(escape("\xc2\x9b") == "\\u{9b}");                       // C1: CSI in one character
  CHECK(escape("\xe2\x80\xae") == "\\u{202e}");                 // right-to-left override
  CHECK(escape("\xd8\x9c") == "\\u{61c}");                      // Arabic letter mark
}

TEST_CASE("long text is cut between characters and its length told", "[base]") {
  CHECK(escape("abcdef", 6) == "abcdef");
  CHECK(escape("abcdefg", 6) == "abcdef... (7 bytes)");
  CHECK(escape("aaaaaü", 6) == "aaaaa... (7 bytes)");
  CHECK(escape(std::string(1 << 20, '\n')).size() < 90);
}

TEST_CASE("every byte alone and every pair gives printable ASCII or sound UTF-8", "[base]") {
  bool clean = true;
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const char text[] = {static_cast<char>(first), static_cast<char>(second)};
      for (const char c : escape({text, 2})) clean = clean && (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    }
  }
  CHECK(clean);
}

}  // namespace escape_test
