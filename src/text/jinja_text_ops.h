// Enters: texts. Leaves: the pieces that methods and filters share: stripped, split, padded.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "jinja_runtime.h"

namespace hearth::text::jinja {

/// To be asked before work on each character of a text: it costs sixteen times what a copy of the text does.
Result<void> step_chars(Runtime& rt, std::string_view text);

/// To be asked before a text is cut into lines, of which each character may be one.
Result<void> step_lines(Runtime& rt, std::string_view text);

/// Where one text stands in others: the first place, or the last one; npos where it does not.
using Search = std::function<std::size_t(std::string_view text)>;
/// In steps that are linear in both texts, which std::string_view's own search is not. A view of `sought` is kept.
Search search_for(std::string_view sought, bool from_right = false);
/// To be asked before a text is searched.
Result<void> step_search(Runtime& rt, std::string_view text, std::string_view sought);

enum class Side : std::uint8_t { left = 1, right = 2, both = 3 };

/// Without the characters of `chars` at its ends; without white space where there is no `chars`.
std::string_view stripped(std::string_view text, const std::optional<std::string_view>& chars, Side side);

/// Runs of white space separate; -1: no limit on the splits.
std::vector<std::string_view> split_on_space(std::string_view text, std::int64_t most, bool from_right);
std::vector<std::string_view> split_on(std::string_view text, std::string_view separator, std::int64_t most,
                                       bool from_right);
std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends);

/// The first `most` times, all for -1. Bounded like everything.
Result<std::string> replaced(Runtime& rt, std::string_view text, std::string_view old, std::string_view with,
                             std::int64_t most);
Result<std::string> padded_to(Runtime& rt, std::string_view text, std::int64_t width, char32_t fill, Side text_goes);
Result<std::string> joined(Runtime& rt, std::string_view separator, const std::vector<std::string>& parts);
Result<Value> text_list(Runtime& rt, const std::vector<std::string_view>& parts, bool safe);

}  // namespace hearth::text::jinja
