// The clairvoyant rival: keeps the rows that later queries will attend to most.
//
//   future[row] = sum over later steps of the full attention on the row, mean over the query heads
//   step(n rows):  if n > budget: evict the smallest future of rows sinks .. n - recent - 1
//
// After Belady (IBM Systems Journal, 1966), for weights instead of uses: what no policy can know,
// and so the mark against which a policy's retained attention is measured. Only a replay of a full
// trace has it.

#include <array>

#include "cache/policy_rows.h"
#include "cache/scored.h"

namespace dendrokv {
namespace {

constexpr std::array kOptions{
    count_option("capacity", "rows that compete", "1024", 1),
    sinks_option("0"),
    recent_option("0"),
    kBudgetOption,
    kTieOption,
    positions_option("original"),
    share_option("kv-head"),
};

Scoring oracle_scoring() {
  return {.score = [](const LaneView& lane, std::span<double>) { return lane.future; },
          .attention = ScoreUse::Ignored,
          .inputs = {Input::Future}};
}

}  // namespace

const PolicyRow kOracleRow{
    .spec = {"oracle", "keeps what later queries will attend to most; in a replay only", kOptions},
    .paper = "Belady, IBM Systems Journal, 1966",
    .budget_key = "capacity",
    .shape = [](const Spec& spec) { return scored_shape(oracle_scoring(), spec); },
    .make = [](const Spec& spec, const LanePlace&) { return make_scored(oracle_scoring(), spec); },
};

}  // namespace dendrokv
