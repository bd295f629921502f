// Geometric top-k: TreeKV's density over age without its moving pairs (what the program
// 6chHenry/KV_Cache_Compression calls TreeKV).
//
//   the text behind the sinks, up to the window, is cut in `chunks` parts of equal length
//   part i of them, the oldest 0, has capacity * 2^i / (2^chunks - 1) rows
//   each part keeps its best by SnapKV's score; rows that one cannot fill go to the next older
//
// Comparing it with TreeKV tells apart the two ideas in it: rows that thin out with age, and
// neighbours that compete in turn. Lengths are in text positions, so that a stream that is cut
// again and again has parts of all its text.

#include <algorithm>
#include <array>

#include "cache/policy_rows.h"
#include "cache/scored.h"
#include "cache/scorings.h"

namespace dendrokv {
namespace {

constexpr std::array kOptions{
    count_option("capacity", "rows of all parts", "992", 1),
    sinks_option("0"),
    window_option("32"),
    kBudgetOption,
    kPromptOption,
    every_option("128"),
    count_option("chunks", "parts of the text, each with twice the rows of the one before", "4", 1,
                 24),
    count_option("kernel", "rows that are pooled, an odd number", "5", 1, 255),
    word_option("pool", "how they are pooled", "avg|max|none", "avg"),
    kTieOption,
    positions_option("original"),
    share_option("kv-head"),
    group_option("mean"),
};

class GeometricTopK final : public Policy {
 public:
  explicit GeometricTopK(const Spec& spec)
      : score_(snapkv_scoring(spec).score),
        rules_(keep_best_rules(spec)),
        capacity_(spec.count("capacity")),
        chunks_(spec.count("chunks")) {}

  std::span<const Decision> step(const LaneView& lane) override {
    decisions_.clear();
    if (!rules_.cuts.due(lane.step, lane.position.size(), rules_.budget)) return {};
    room_.resize(lane.position.size());
    const std::span<const double> scores = score_(lane, room_);
    const std::vector<size_t> ends = part_ends(lane);
    const std::vector<size_t> keep = shares(ends);
    for (size_t part = 0; part < chunks_; ++part) {
      const size_t first = part == 0 ? rules_.sinks : ends[part - 1];
      const auto leave =
          cut_.lowest(scores, first, ends[part], ends[part] - first - keep[part], rules_.tie);
      decisions_.insert(decisions_.end(), leave.begin(), leave.end());
    }
    return decisions_;
  }

  bool looks_at_weights(Step step, size_t rows) const override {
    return rules_.look_at_weights(step, rows);
  }

 private:
  /// Slot behind the last one of each part.
  std::vector<size_t> part_ends(const LaneView& lane) const {
    const size_t last = lane.position.size() - rules_.recent;
    const uint64_t start = rules_.sinks, length = lane.position[last - 1].value + 1 - start;
    std::vector<size_t> ends;
    for (uint64_t part = 1; part <= chunks_; ++part) {
      const Position end(start + length * part / chunks_);
      const auto slot = std::lower_bound(
          lane.position.begin(), lane.position.begin() + static_cast<std::ptrdiff_t>(last), end);
      ends.push_back(
          std::max<size_t>(static_cast<size_t>(slot - lane.position.begin()), rules_.sinks));
    }
    ends.back() = last;
    return ends;
  }

  /// Rows that each part keeps. Their sum is the capacity, or all rows there are.
  std::vector<size_t> shares(const std::vector<size_t>& ends) const {
    std::vector<size_t> keep(chunks_);
    size_t left = capacity_;
    for (size_t part = chunks_; part-- > 0;) {
      const size_t rows = ends[part] - (part == 0 ? rules_.sinks : ends[part - 1]);
      const size_t reserved = rows_of_first(part);  // for the older ones
      keep[part] = std::min(rows, left - std::min(left, reserved));
      left -= keep[part];
    }
    for (size_t part = chunks_; part-- > 0 && left > 0;) {  // what the older ones could not fill
      const size_t rows = ends[part] - (part == 0 ? rules_.sinks : ends[part - 1]);
      const size_t more = std::min(left, rows - keep[part]);
      keep[part] += more;
      left -= more;
    }
    return keep;
  }

  /// Rows of the first `parts` parts by the geometric law.
  size_t rows_of_first(size_t parts) const {
    return capacity_ * ((uint64_t{1} << parts) - 1) / ((uint64_t{1} << chunks_) - 1);
  }

  ScoreRows score_;
  KeepBest::Rules rules_;
  size_t capacity_, chunks_;
  std::vector<double> room_;
  std::vector<Decision> decisions_;
  Cut cut_;
};

PolicyShape shape(const Spec& spec) {
  PolicyShape shape = scored_shape(snapkv_scoring(spec), spec);
  shape.window = shape.recent;
  shape.contest = Contest::Parts;
  return shape;
}

}  // namespace

const PolicyRow kGeoTopKRow{
    .spec = {"geo-topk", "the best of each part of the text, older parts with fewer rows",
             kOptions},
    .paper = "6chHenry/KV_Cache_Compression",
    .budget_key = "capacity",
    .shape = shape,
    .make = [](const Spec& spec, const LanePlace&) -> std::unique_ptr<Policy> {
      return std::make_unique<GeometricTopK>(spec);
    },
    .check = [](const std::string& subject, const Spec& spec) { kSnapKvRow.check(subject, spec); },
};

}  // namespace dendrokv
