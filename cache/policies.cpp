// The table of cache policies. To add one:
//   1. cache/NAME.cpp: its rule in a few lines at the top, its options, its shape (what is
//      protected, what it looks at) and its PolicyRow; declare that in cache/policy_rows.h, add the
//      file to cache/CMakeLists.txt. A policy that scores rows and keeps the best is one function,
//      cache/scored.h.
//   2. here: the row
//   3. docs/policies.md: what it does, what is faithful and what isn't
// The command line, its help, replay, report, viewer and the conformance suite
// (tests/cache/policies_test.cpp) find it in the table.

#include "cache/policies.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "cache/policy_rows.h"
#include "data/error.h"

namespace dendrokv {

std::span<const PolicyRow> policy_table() {
  static const std::array kTable{
      // without scores
      kFullRow,
      kSlidingRow,
      kStreamingRow,
      kRandomRow,
      kContextShiftRow,
      kLaCacheRow,
      // by attention
      kTreeKvRow,
      kH2oRow,
      kH2oAverageRow,
      kTovaRow,
      kSnapKvRow,
      kPyramidKvRow,
      kAdaKvRow,
      kGeoTopKRow,
      kNormSumBlocksRow,
      kReasoningKvRow,
      // by keys and values
      kKeyNormRow,
      kKeyDiffRow,
      kLagKvRow,
      kExpectedAttentionRow,
      // reads fewer rows, holds all
      kQuestRow,
      // in a replay only
      kOracleRow,
  };
  return kTable;
}

namespace {

const PolicyRow& row_of(const Spec& spec) {
  const auto row = std::ranges::find_if(policy_table(), [&](const PolicyRow& candidate) {
    return candidate.spec.name == spec.name();
  });
  DENDROKV_ASSERT(row != policy_table().end());
  return *row;
}

std::string with_value(const Spec& spec, std::string_view key) {
  return std::string(key) + "=" + std::to_string(spec.count(key));
}

struct Rows {
  std::string text;  // "sinks=4 + recent=508"
  uint64_t sum = 0;
};

/// The rows that a spec gives to the keys other than `key`.
Rows rows_beside(const Spec& spec, std::string_view key) {
  Rows rows;
  for (const std::string_view other : {"sinks", "recent", "capacity"}) {
    if (other == key || !spec.has(other)) continue;
    rows.text += (rows.text.empty() ? "" : " + ") + with_value(spec, other);
    rows.sum += spec.count(other);
  }
  return rows;
}

/// Of the row's own key.
uint64_t fewest_of_key(const PolicyRow& row, std::string_view key) {
  const auto option = std::ranges::find(row.spec.options, key, &OptionRow::name);
  DENDROKV_ASSERT(option != row.spec.options.end());
  return static_cast<uint64_t>(option->lowest);
}

std::string rows_left(uint64_t all, uint64_t others) {
  return all <= others ? "no row" : "one row";
}

std::string beside(const Rows& others) {
  return others.text.empty() ? "" : " beside " + others.text;
}

/// "04" is 4: equal policies have equal texts.
void write_counts_plainly(const PolicyRow& row, Spec& spec) {
  for (const OptionRow& option : row.spec.options) {
    const bool counts = option.type == OptionType::Count ||
                        (option.type == OptionType::CountOrWord && !spec.is_word(option.name));
    if (counts && spec.given(option.name))
      spec.set(option.name, std::to_string(spec.count(option.name)));
  }
}

/// Turns `budget=` into the rows that it leaves for the row's own key, so that equal policies have
/// equal texts.
void spend_budget(const PolicyRow& row, const std::string& subject, Spec& spec) {
  if (!spec.has("budget")) return;
  const std::string key(row.budget_key);
  const std::string total = with_value(spec, "budget");
  const uint64_t budget = spec.count("budget");
  const Rows others = rows_beside(spec, key);
  const uint64_t fewest = fewest_of_key(row, key);
  if (budget < others.sum + fewest)
    fail(subject,
         total + " leaves " + rows_left(budget, others.sum) + " for " + key + beside(others),
         "wanted at least " + std::to_string(others.sum + fewest),
         "raise the budget or protect fewer rows");
  if (spec.given(key) && spec.count(key) != budget - others.sum)
    fail(subject, total + " and " + with_value(spec, key) + " do not agree",
         "wanted " + key + "=" + std::to_string(budget - others.sum), "leave out one of the two");
  spec.set(key, std::to_string(budget - others.sum));
  spec.set("budget", "");
}

// A lane of one row would show its query that row and the token itself: no policy has a choice
// there.
constexpr uint64_t kFewestRows = 2;

void refuse_a_single_row(const PolicyRow& row, const std::string& subject, const Spec& spec) {
  if (row.budget_key.empty()) return;
  const Rows all = rows_beside(spec, "");
  if (all.sum < kFewestRows)
    fail(subject, "a budget of one row (" + all.text + ")",
         "wanted at least " + std::to_string(kFewestRows) + " rows",
         "raise " + std::string(row.budget_key));
}

Spec checked_spec(std::string_view text) {
  std::vector<SpecRow> rows;
  for (const PolicyRow& row : policy_table()) rows.push_back(row.spec);
  Spec spec = parse_spec("policy", text, rows);
  const std::string subject = "policy '" + std::string(text) + "'";
  write_counts_plainly(row_of(spec), spec);
  for (const std::string_view key : {std::string_view("budget"), row_of(spec).budget_key})
    if (spec.has("budget-map") && spec.given(key))
      fail(subject, "budget-map together with " + std::string(key), "wanted one of them");
  spend_budget(row_of(spec), subject, spec);
  if (spec.has("budget-map")) {  // says it lane by lane; so does the check
    spec.set(row_of(spec).budget_key, "");
    return spec;
  }
  refuse_a_single_row(row_of(spec), subject, spec);
  if (row_of(spec).check != nullptr) row_of(spec).check(subject, spec);
  return spec;
}

}  // namespace

PolicyChoice::PolicyChoice(std::string_view spec, const std::optional<BudgetMap>& lane_budget)
    : spec_(checked_spec(spec)), row_(&row_of(spec_)) {
  if (spec_.has("budget-map"))
    map_ = std::make_shared<BudgetMap>(
        lane_budget ? *lane_budget : read_budget_map(std::string(spec_.file("budget-map"))));
  if (!map_) {
    shape_ = row_->shape(spec_);
    return;
  }
  const std::string subject = "policy '" + std::string(spec) + "'";
  for (uint32_t at = 0; at < map_->rows.size(); ++at) {
    const Layer layer(at / map_->lanes);
    const Lane lane(at % map_->lanes);
    const Spec own = lane_spec(layer, lane);
    if (row_->check != nullptr) row_->check(subject, own);
    lane_shapes_.push_back(row_->shape(own));
  }
  shape_ = *std::ranges::max_element(lane_shapes_, {}, &PolicyShape::budget);
}

Spec PolicyChoice::lane_spec(Layer layer, Lane lane) const {
  Spec own = spec_;
  if (!map_) return own;
  const uint64_t rows = map_->rows_of(layer, lane);
  const Rows others = rows_beside(spec_, row_->budget_key);
  const uint64_t fewest =
      std::max(others.sum + fewest_of_key(*row_, row_->budget_key), kFewestRows);
  if (rows < fewest)
    fail(std::string(spec_.file("budget-map")),
         std::to_string(rows) + " rows of layer " + std::to_string(layer.value) + ", lane " +
             std::to_string(lane.value) + " leave " + rows_left(rows, others.sum) + " for " +
             std::string(row_->budget_key) + beside(others),
         "wanted at least " + std::to_string(fewest), "give it more, or protect fewer");
  own.set(row_->budget_key, std::to_string(rows - others.sum));
  return own;
}

PolicyShape PolicyChoice::lane_shape(Layer layer, Lane lane) const {
  if (row_->layer_shape != nullptr) return row_->layer_shape(lane_spec(layer, lane), layer);
  return map_ ? lane_shapes_[layer.index() * map_->lanes + lane.index()] : shape_;
}

uint64_t PolicyChoice::fewest_rows() const {
  return map_ ? std::ranges::min(lane_shapes_, {}, &PolicyShape::budget).budget : shape_.budget;
}

bool PolicyChoice::fits(uint32_t layers, uint32_t lanes) const {
  return !map_ || (layers == map_->layers && lanes == map_->lanes);
}

void PolicyChoice::check_place(const LanePlace& place) const {
  if (fits(place.layers, place.lanes)) return;
  fail(std::string(spec_.file("budget-map")),
       std::to_string(map_->layers) + " layers of " + std::to_string(map_->lanes) + " lanes",
       "wanted " + std::to_string(place.layers) + " of " + std::to_string(place.lanes) +
           ", as the model has them under this policy");
}

std::unique_ptr<Policy> PolicyChoice::make(const LanePlace& place) const {
  check_place(place);
  if (row_->make_layer == nullptr) return row_->make(lane_spec(place.layer, place.lane), place);
  DENDROKV_ASSERT(place.lanes == 1);
  return std::move(row_->make_layer(spec_, place).front());
}

std::vector<std::unique_ptr<Policy>> PolicyChoice::make_layer(LanePlace place) const {
  if (row_->make_layer != nullptr) return row_->make_layer(spec_, place);
  std::vector<std::unique_ptr<Policy>> lanes;
  for (place.lane = Lane(0); place.lane.value < place.lanes; place.lane = place.lane.next())
    lanes.push_back(make(place));
  return lanes;
}

PolicyChoice policy_of(const Run& run) {
  return PolicyChoice(run.policy, run.lane_budget);
}

Run run_under(const PolicyChoice& choice, RunMode mode) {
  const PolicyShape& shape = choice.shape();
  Run run;
  run.policy = choice.text();
  run.mode = mode;
  run.lane_kind = shape.lane_kind;
  run.sinks = shape.sinks;
  run.recent = shape.recent;
  run.budget = shape.budget;
  run.positions = shape.positions == PositionMode::Rank ? "rank" : "original";
  run.lane_budget = choice.lane_budget();
  return run;
}

}  // namespace dendrokv
