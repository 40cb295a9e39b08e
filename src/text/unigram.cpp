// Enters: a piece of text. Leaves: the ids of its best segmentation (Viterbi over a trie).
#include "unigram.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "characters.h"
#include "escape.h"
#include "try.h"

namespace hearth::text {
namespace {

/// A score that sums and orders: NaN counts as the worst, infinities as the largest of their sign.
double finite(double score) {
  constexpr double most = std::numeric_limits<float>::max();
  return std::isnan(score) ? -most : std::clamp(score, -most, most);
}

}  // namespace

UnigramModel::UnigramModel(Parts parts) : parts_(std::move(parts)) {
  std::vector<TokenTrie::Entry> entries;
  for (const Piece& piece : parts_.pieces) {
    if (piece.text.empty() || piece.text.size() > max_piece_bytes) continue;
    entries.push_back({piece.text, static_cast<std::int32_t>(ids_.size())});
    ids_.push_back(piece.id);
    scores_.push_back(finite(piece.score));
  }
  trie_ = TokenTrie(std::move(entries));
  parts_.unknown_score = finite(parts_.unknown_score);
  parts_.pieces = {};
}

/// Fills run.best: for each beginning of the text the last piece of its best segmentation.
void UnigramModel::search(std::string_view text, Run& run) const {
  run.best.assign(text.size() + 1, {});
  run.best[0] = {run.score, 0, unknown_character};  // reached
  for (std::size_t at = 0, next = 0; at < text.size(); at = next) {
    next = at + first_character(text.substr(at)).length;
    const double so_far = run.best[at].score;
    const auto propose = [&](std::size_t end, double score, std::int32_t id) {
      Run::Best& best = run.best[end];
      const double sum = parts_.sums_in_f32 ? static_cast<float>(so_far + score) : so_far + score;
      if (best.id == unreached || sum > best.score) best = {sum, static_cast<std::uint32_t>(at), id};
    };
    bool known = false;
    TokenTrie::Node node = TokenTrie::root;
    for (std::size_t end = at; end < text.size();) {
      node = trie_.step(node, text[end++]);
      if (node == TokenTrie::none) break;
      const std::int32_t piece = trie_.id(node);
      if (piece < 0) continue;
      propose(end, scores_[static_cast<std::size_t>(piece)], piece);
      known = known || end == next;
    }
    if (!known) propose(next, parts_.unknown_score, unknown_character);
  }
}

Result<void> UnigramModel::append(std::string_view text, Run& run) const {
  constexpr double most_precise = 65536;
  search(text, run);
  run.score = run.best[text.size()].score;
  if (!parts_.sums_in_f32 || std::abs(run.score) > most_precise) run.score = 0;
  run.places.clear();
  for (std::size_t end = text.size(); end > 0; end = run.best[end].begin) {
    run.places.push_back(static_cast<std::uint32_t>(end));
  }
  for (auto place = run.places.rbegin(); place != run.places.rend(); ++place) {
    const Run::Best& best = run.best[*place];
    if (best.id == unknown_character) {
      HEARTH_CHECK(append_unknown(text.substr(best.begin, *place - best.begin), run));
    } else {
      run.ids.push_back(ids_[static_cast<std::size_t>(best.id)]);
      run.after_unknown = false;
    }
  }
  return {};
}

Result<void> UnigramModel::append_unknown(std::string_view character, Run& run) const {
  if (parts_.bytes) {
    for (char c : character) run.ids.push_back((*parts_.bytes)[static_cast<unsigned char>(c)]);
  } else if (!parts_.unknown) {
    return Error(Status::unsupported, "\"" + escape(character) +
                                          "\" is no token, and the vocabulary has neither its bytes nor an unknown "
                                          "token; " +
                                          parts_.where + "; leave it out of the text");
  } else if (!run.after_unknown) {
    run.ids.push_back(*parts_.unknown);
  }
  run.after_unknown = !parts_.bytes;
  return {};
}

}  // namespace hearth::text
