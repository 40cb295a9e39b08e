// Enters: a text. Leaves: the ends of its pretokens.
#include "pre_tokenizer.h"

#include <utility>

#include "regex.h"
#include "try.h"
#include "utf8.h"

namespace hearth::text {

PreTokenizer::PreTokenizer() = default;
PreTokenizer::PreTokenizer(PreTokenizer&&) noexcept = default;
PreTokenizer::~PreTokenizer() = default;

Result<PreTokenizer> PreTokenizer::make(const PreTokenizerRow& row) {
  PreTokenizer made;
  for (const PreTokenizerStep* step : row.steps) {
    if (!step) break;
    HEARTH_TRY(Regex regex, Regex::compile(step->regex));
    made.steps_.push_back({std::make_unique<const Regex>(std::move(regex)), step->thousands});
  }
  return made;
}

/// One cutting of one text.
class PreTokenizer::Cut {
 public:
  Cut(const PreTokenizer& from, std::vector<std::uint32_t>& ends) : steps_(from.steps_), ends_(ends) {}

  /// Cuts `stretch`, valid UTF-8 that begins `at` bytes into the text, by the step of that index and all after it.
  Result<void> run(std::size_t step, std::string_view stretch, std::size_t at) {
    if (step == steps_.size() || utf8_step(stretch).length == stretch.size()) {  // one character: nothing to cut
      ends_.push_back(static_cast<std::uint32_t>(at + stretch.size()));
      return {};
    }
    std::size_t done = 0;  // cut so far
    const auto cut_at = [&](std::size_t border) -> Result<void> {
      if (border <= done) return {};
      const std::size_t begin = std::exchange(done, border);
      return run(step + 1, stretch.substr(begin, border - begin), at + begin);
    };
    for (std::size_t from = 0; from < stretch.size();) {
      HEARTH_TRY(const std::optional<Match> match, steps_[step].regex->find(stretch, from, memory_));
      if (!match) break;
      from = match->end;
      if (steps_[step].thousands != Thousands::borders) HEARTH_CHECK(cut_at(match->begin));
      if (steps_[step].thousands != Thousands::no) HEARTH_CHECK(cut_thousands(stretch, *match, cut_at));
      if (steps_[step].thousands != Thousands::borders) HEARTH_CHECK(cut_at(match->end));
    }
    return cut_at(stretch.size());
  }

 private:
  template <class CutAt> static Result<void> cut_thousands(std::string_view stretch, Match digits, CutAt&& cut_at) {
    std::size_t n_digits = 0;
    for (std::size_t i = digits.begin; i < digits.end; ++i) n_digits += is_utf8_begin(stretch[i]) ? 1 : 0;
    for (std::size_t i = digits.begin; i < digits.end; ++i) {
      if (is_utf8_begin(stretch[i]) && n_digits-- % 3 == 0) HEARTH_CHECK(cut_at(i));
    }
    return {};
  }

  const std::vector<Step>& steps_;
  std::vector<std::uint32_t>& ends_;
  Regex::Memory memory_;
};

Result<void> PreTokenizer::split(std::string_view text, std::vector<std::uint32_t>& ends) const {
  Cut cut(*this, ends);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t valid = valid_utf8(text.substr(at));
    if (valid != 0) HEARTH_CHECK(cut.run(0, text.substr(at, valid), at));
    at += valid;
    if (at < text.size()) ends.push_back(static_cast<std::uint32_t>(++at));
  }
  return {};
}

}  // namespace hearth::text
