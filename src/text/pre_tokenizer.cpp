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
    made.steps_.push_back(std::make_unique<const Regex>(std::move(regex)));
  }
  return made;
}

/// One cutting of one text.
class PreTokenizer::Cut {
 public:
  Cut(const PreTokenizer& from, std::vector<std::uint32_t>& ends) : steps_(from.steps_), ends_(ends) {}

  /// Cuts `stretch`, valid UTF-8 that begins `at` bytes into the text, by the step of that index and all after it.
  Result<void> run(std::size_t step, std::string_view stretch, std::size_t at) {
    if (step == steps_.size()) {
      ends_.push_back(static_cast<std::uint32_t>(at + stretch.size()));
      return {};
    }
    std::size_t done = 0;  // cut so far
    bool must_move = false;
    for (std::size_t from = 0; done < stretch.size();) {
      HEARTH_TRY(const std::optional<Match> match, steps_[step]->find(stretch, from, must_move, memory_));
      const Match cut = match.value_or(Match{stretch.size(), stretch.size()});
      if (cut.begin > done) HEARTH_CHECK(run(step + 1, stretch.substr(done, cut.begin - done), at + done));
      if (cut.end > cut.begin)
        HEARTH_CHECK(run(step + 1, stretch.substr(cut.begin, cut.end - cut.begin), at + cut.begin));
      done = from = cut.end;
      must_move = cut.end == cut.begin;
    }
    return {};
  }

 private:
  const std::vector<std::unique_ptr<const Regex>>& steps_;
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
