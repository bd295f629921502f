// Ada-KV (Feng et al., NeurIPS 2025, arXiv 2407.11550): a layer's rows go to the heads that need
// them.
//
// A wrapper over a score (`base`). With H lanes of a layer and capacity B of each:
//   n[h] = how many of the H B best scores of all lanes together are lane h's
//   lane h keeps its round((1 - alpha) n[h] + floor(alpha B)) best, and the recent rows
// so each lane is sure of alpha B rows. Lanes become unequally long. A cut is due when all lanes
// together hold H `every` rows more than H budgets, or at the prompt's end. Rounding may ask for a
// row or two too many; then the lanes with the most rows give them up.

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "cache/policy_rows.h"
#include "cache/scored.h"
#include "cache/scorings.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr std::array kOptions{
    word_option("base", "the score that the lanes compare",
                "snapkv|h2o|h2o-avg|tova|knorm|keydiff|expected-attention", "snapkv"),
    count_option("capacity", "rows chosen by score, mean over the lanes of a layer", "992", 1),
    sinks_option("0"),
    window_option("32"),
    kBudgetOption,
    real_option("alpha", "share of its rows that a lane is sure of", "0.2", 0, 1),
    kPromptOption,
    every_option("128"),
    count_option("kernel", "snapkv: rows that are pooled, an odd number", "7", 1, 255),
    word_option("pool", "snapkv: how they are pooled", "avg|max|none", "max"),
    count_option("future", "expected-attention: positions ahead", "512", 1),
    real_option("epsilon", "expected-attention: added to a probability", "0", 0, 1),
    kTieOption,
    positions_option("original"),
    kShareOfRows,
    group_option("mean"),
};

Scoring base_scoring(const Spec& spec, std::span<const double> turns) {
  const std::string_view base = spec.choice("base");
  if (base == "h2o") return h2o_scoring();
  if (base == "h2o-avg") return h2o_average_scoring(spec);
  if (base == "tova") return tova_scoring();
  if (base == "knorm") return key_norm_scoring();
  if (base == "keydiff") return key_diff_scoring();
  if (base == "expected-attention") return expected_attention_scoring(spec, turns);
  return snapkv_scoring(spec);
}

/// What the lanes of a layer decide together. They call it in lock step: all look, then all ask.
class SharedLayer {
 public:
  SharedLayer(const Spec& spec, const LanePlace& place)
      : score_(base_scoring(spec, place.turns).score),
        rules_(keep_best_rules(spec)),
        capacity_(spec.count("capacity")),
        alpha_(spec.real("alpha")),
        views_(place.lanes),
        room_(place.lanes),
        scores_(place.lanes),
        keep_(place.lanes) {}

  void look(uint32_t lane, const LaneView& view) {
    views_[lane] = view;
    decided_ = false;
  }

  /// As if all lanes grew by a row a step since the last decision.
  bool looks_at_weights(Step step) const {
    for (size_t later = 0; later < std::max(1u, rules_.recent); ++later)
      if (is_due(uint64_t{step.value} + later + 1)) return true;
    return false;
  }

  std::span<const Decision> decide(uint32_t lane, Cut& cut) {
    if (!decided_) decide_all();
    decided_ = true;
    if (!due_) return {};
    const size_t last = views_[lane].position.size() - rules_.recent;
    return cut.lowest(scores_[lane], rules_.sinks, last, last - rules_.sinks - keep_[lane],
                      rules_.tie);
  }

 private:
  size_t candidates(uint32_t lane) const {
    const size_t rows = views_[lane].position.size(), kept = rules_.sinks + rules_.recent;
    return rows - std::min(rows, kept);
  }

  /// When so many tokens have come.
  bool is_due(uint64_t arrived) const {
    const size_t lanes = views_.size(), rows = rows_ + lanes * (arrived - arrived_);
    const size_t over = rows - std::min(rows, lanes * rules_.budget);
    const bool at_prompt_end = rules_.cuts.prompt > 0 && arrived == rules_.cuts.prompt;
    return over > 0 && arrived >= rules_.cuts.prompt &&
           (at_prompt_end || (rules_.cuts.every > 0 && over >= lanes * rules_.cuts.every));
  }

  void decide_all() {
    rows_ = 0;
    for (const LaneView& view : views_) rows_ += view.position.size();
    arrived_ = uint64_t{views_[0].step.value} + 1;
    due_ = is_due(arrived_);
    if (!due_) return;
    for (uint32_t lane = 0; lane < views_.size(); ++lane) {
      room_[lane].resize(views_[lane].position.size());
      scores_[lane] = score_(views_[lane], room_[lane]);
    }
    share_out();
    for (uint32_t lane = 0; lane < views_.size(); ++lane) rows_ -= candidates(lane) - keep_[lane];
  }

  void share_out() {
    struct Candidate {
      double score;
      uint32_t lane;
      size_t slot;
    };
    std::vector<Candidate> all;
    for (uint32_t lane = 0; lane < views_.size(); ++lane)
      for (size_t slot = rules_.sinks; slot < rules_.sinks + candidates(lane); ++slot)
        all.push_back({scores_[lane][slot], lane, slot});
    const size_t places = std::min(all.size(), views_.size() * capacity_);
    const auto end = all.begin() + static_cast<std::ptrdiff_t>(places);
    std::nth_element(all.begin(), end, all.end(), [](const Candidate& a, const Candidate& b) {
      if (a.score != b.score) return a.score > b.score;
      return a.slot != b.slot ? a.slot > b.slot : a.lane < b.lane;
    });
    std::ranges::fill(keep_, 0u);
    for (auto candidate = all.begin(); candidate != end; ++candidate) ++keep_[candidate->lane];
    const double sure = std::floor(alpha_ * static_cast<double>(capacity_));
    for (uint32_t lane = 0; lane < views_.size(); ++lane) {
      const double share = std::round((1 - alpha_) * static_cast<double>(keep_[lane]) + sure);
      keep_[lane] = std::min(static_cast<size_t>(share), candidates(lane));
    }
    for (size_t kept = std::accumulate(keep_.begin(), keep_.end(), size_t{0}); kept > places;
         --kept)
      --*std::max_element(keep_.begin(), keep_.end());
  }

  ScoreRows score_;
  KeepBest::Rules rules_;
  uint64_t capacity_;
  double alpha_;
  std::vector<LaneView> views_;
  std::vector<std::vector<double>> room_;        // [lane][slot]
  std::vector<std::span<const double>> scores_;  // [lane][slot], there or in the lane
  std::vector<size_t> keep_;                     // [lane] rows between sinks and recent
  size_t rows_ = 0;                              // of all lanes, after the last decision
  uint64_t arrived_ = 0;                         // tokens by then
  bool decided_ = false, due_ = false;
};

class AdaLane final : public Policy {
 public:
  AdaLane(std::shared_ptr<SharedLayer> layer, uint32_t lane)
      : layer_(std::move(layer)), lane_(lane) {}

  void look(const LaneView& lane) override { layer_->look(lane_, lane); }
  std::span<const Decision> step(const LaneView&) override { return layer_->decide(lane_, cut_); }
  bool looks_at_weights(Step step, size_t) const override { return layer_->looks_at_weights(step); }

 private:
  std::shared_ptr<SharedLayer> layer_;
  uint32_t lane_;
  Cut cut_;
};

PolicyShape shape(const Spec& spec) {
  PolicyShape shape = scored_shape(base_scoring(spec, {}), spec);
  shape.window = spec.choice("base") == "snapkv" ? shape.recent : 0;
  shape.most_rows = 0;  // one lane may have the rows of all
  shape.fewest_kept = shape.sinks + shape.recent;
  shape.deciding = Deciding::LayerTogether;
  return shape;
}

std::vector<std::unique_ptr<Policy>> make_layer(const Spec& spec, const LanePlace& place) {
  const auto layer = std::make_shared<SharedLayer>(spec, place);
  std::vector<std::unique_ptr<Policy>> lanes;
  for (uint32_t lane = 0; lane < place.lanes; ++lane)
    lanes.push_back(std::make_unique<AdaLane>(layer, lane));
  return lanes;
}

}  // namespace

const PolicyRow kAdaKvRow{
    .spec = {"adakv", "Ada-KV: heads with high scores get rows of the others", kOptions},
    .paper = "Feng et al., NeurIPS 2025, arXiv 2407.11550",
    .budget_key = "capacity",
    .shape = shape,
    .make = nullptr,
    .check = [](const std::string& subject, const Spec& spec) { kSnapKvRow.check(subject, spec); },
    .make_layer = make_layer,
};

}  // namespace dendrokv
