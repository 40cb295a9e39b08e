// Enters: all candidates at their temperature, and how much surprise is due. Leaves: how many to draw from, and the next due.
#include "mirostat.h"

#include <algorithm>

#include "double_math.h"
#include "surprise.h"

namespace hearth::sample {
namespace {

/// The exponent s of p_i ~ i^-s, by least squares over the logarithms of neighbours' ratios.
double zipf_exponent(const Ranked& ranked) {
  constexpr std::size_t most = 100;
  double products = 0.0, squares = 0.0;
  for (std::size_t i = 0; i < most && i + 1 < ranked.weights.size() && ranked.weights[i + 1] >= kVanishing; ++i) {
    const double t = kernels::log(static_cast<double>(i + 2) / static_cast<double>(i + 1));
    const double b = static_cast<double>(ranked.logits[i]) - static_cast<double>(ranked.logits[i + 1]);
    products += t * b;
    squares += t * t;
  }
  return squares > 0.0 ? products / squares : 0.0;
}

/// k = (e * 2^mu / (1 - N^-e))^(1/s) with e = s - 1, rounded, and one more as in the authors' program; in logarithms, so that
/// nothing leaves the floats.
std::size_t keeps_by_zipf(const Ranked& ranked, std::size_t n_vocab, double mu) {
  constexpr double tiny = 1e-6;
  if (n_vocab == 1) return 1;
  const double s = std::max(zipf_exponent(ranked), tiny), e = s - 1.0;
  const double log_n = kernels::log(static_cast<double>(n_vocab));
  const double near_one = 1.0 / log_n;  // what e / (1 - N^-e) comes to where e is 0
  const double factor = e < tiny && e > -tiny ? near_one : e / (1.0 - kernels::exp(-e * log_n));
  const double log_k = (kernels::log(factor) + mu * kernels::kLn2) / s;
  if (!(log_k < log_n)) return n_vocab;
  return static_cast<std::size_t>(kernels::exp(log_k) + 0.5) + 1;
}

std::size_t keeps_by_surprise(const Ranked& ranked, double mu) {
  const Surprise surprise(ranked);
  const double most = mu * kernels::kLn2;
  std::size_t n = 1;
  while (n < ranked.weights.size() && surprise.of(n) <= most) ++n;
  return n;
}

}  // namespace

std::size_t mirostat_keeps(const Ranked& ranked, std::size_t n_vocab, double mu, const Settings& settings) {
  const std::size_t n = settings.mirostat == 1 ? keeps_by_zipf(ranked, n_vocab, mu) : keeps_by_surprise(ranked, mu);
  return std::min(n, ranked.weights.size());
}

double mirostat_next(const Ranked& ranked, std::size_t i, double mu, const Settings& settings) {
  const double bits = Surprise(ranked).of(i) / kernels::kLn2;
  return mu - static_cast<double>(settings.mirostat_eta) * (bits - static_cast<double>(settings.mirostat_tau));
}

}  // namespace hearth::sample
