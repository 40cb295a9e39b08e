// Enters: a paragraph. Leaves: its lines, none longer than the width, as Python's textwrap breaks them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth::text::jinja {

std::vector<std::string> word_wrapped(std::string_view paragraph, std::size_t width, bool break_long_words,
                                      bool break_on_hyphens);

}  // namespace hearth::text::jinja
