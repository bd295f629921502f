#include "model/audit_reruns.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "model/decoder.h"

namespace dendrokv {
namespace {

constexpr size_t kShortText = 64;  // tokens of the texts that are run again

/// Renormalised weights of a row's positions from `first` on.
std::map<uint32_t, double> suffix_of(std::span<const Position> positions,
                                     std::span<const float> weights, uint32_t first) {
  std::map<uint32_t, double> suffix;
  double sum = 0;
  for (size_t slot = 0; slot < positions.size(); ++slot)
    if (positions[slot].value >= first && weights[slot] > 0)
      sum += suffix[positions[slot].value] = double{weights[slot]};
  for (auto& [position, weight] : suffix) weight /= sum;
  return suffix;
}

}  // namespace

Finding check_identity(const Model& model, const PolicyChoice& policy,
                       std::span<const int32_t> tokens, const DecoderOptions& options) {
  const PolicyShape& shape = policy.shape();
  size_t count = std::min(tokens.size(), kShortText);
  if (shape.budget > 0) count = std::min<size_t>(count, policy.fewest_rows());
  if (shape.reads > 0) count = std::min<size_t>(count, shape.reads);
  Decoder bounded(model, policy, options), full(model, PolicyChoice("full"), options);
  const auto found = bounded.feed(tokens.first(count), LogitsOf::All, nullptr);
  const auto wanted = full.feed(tokens.first(count), LogitsOf::All, nullptr);
  return check_same_logits(found, wanted);
}

// In the first layer a query and a key depend on their tokens alone. So the weights among the last
// tokens are the same, up to their sum, whatever stands before them and whatever has left.
Finding check_relativity(const Model& model, const PolicyChoice& policy, const FirstLayer& seen,
                         std::span<const int32_t> tokens, const DecoderOptions& options) {
  const size_t count = std::min(tokens.size() / 2, kShortText);
  const auto first = static_cast<uint32_t>(tokens.size() - count);
  if (count < 2) return not_applicable("the text is too short for a suffix to compare");
  Decoder full(model, PolicyChoice("full"), options);
  FirstLayer alone;
  full.feed(tokens.subspan(first), LogitsOf::None, &alone);
  const double tolerance = model.arithmetic() == Arithmetic::Exact ? 1e-4 : 2e-2;
  double most = 0;
  size_t rows = 0;
  for (const auto& [head, row] : seen.rows()) {
    auto held = suffix_of(row.positions, row.weights, first);
    const auto& other = alone.rows().at(head);
    std::vector<Position> shifted;
    std::vector<float> weights;
    for (size_t slot = 0; slot < other.positions.size(); ++slot)
      if (held.contains(other.positions[slot].value + first)) {
        shifted.emplace_back(other.positions[slot].value + first);
        weights.push_back(other.weights[slot]);
      }
    // Behind a gap a rank is no longer the place in the text.
    if (held.size() < 2) continue;
    const bool without_gap = held.rbegin()->first - held.begin()->first + 1 == held.size();
    if (!without_gap && policy.shape().positions == PositionMode::Rank) {
      uint32_t from = held.rbegin()->first;
      while (held.contains(from - 1)) --from;
      held = suffix_of(row.positions, row.weights, from);
    }
    const auto wanted = suffix_of(shifted, weights, held.begin()->first);
    for (const auto& [position, weight] : held) {
      const auto same = wanted.find(position);
      most = std::max(most, same == wanted.end() ? weight : std::fabs(weight - same->second));
    }
    rows += held.size();
  }
  if (rows == 0) return not_applicable("no head kept a suffix to compare");
  const std::string found = "weights of " + std::to_string(rows) +
                            " suffix rows of the first layer differ by at most " +
                            std::to_string(most);
  return most <= tolerance ? good(found) : bad(found);
}

Finding check_same_logits(GridView<const float> found, GridView<const float> full) {
  for (size_t token = 0; token < full.rows(); ++token)
    if (!std::ranges::equal(found.row(token), full.row(token)))
      return bad("token " + std::to_string(token) +
                 " of a text that fits has other logits than under full");
  return good("the first " + std::to_string(full.rows()) +
              " tokens, which fit, have the logits of full bit for bit");
}

}  // namespace dendrokv
