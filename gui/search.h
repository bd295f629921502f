#pragma once
// Finding tokens: by text, by regular expression, by id; and what became of what was found in every
// lane.

#include <QString>
#include <optional>
#include <vector>

#include "data/trace.h"
#include "gui/lane_state.h"
#include "gui/selection.h"

namespace dendrokv {

enum class SearchKind { Text, Pattern, Id };

/// "tide", any case, also across tokens; "/ti?de/" as a regular expression; "#1234" as a token id.
struct SearchQuery {
  SearchKind kind = SearchKind::Text;
  QString text;
  int32_t id = 0;
};
SearchQuery parse_query(const QString& typed);

struct SearchResult {
  std::vector<PositionRange> hits;  // the tokens of each match, in order, at most kMostHits
  QString problem;                  // why nothing could be searched for
};
inline constexpr size_t kMostHits = 100'000;
SearchResult search_tokens(const TokenText& tokens, const SearchQuery& query);

/// What a run did with the tokens of a passage. A lane has lost it when the first of them has left.
struct NeedleStory {
  std::optional<Step> lost_here;  // step at which the chosen lane lost it, up to the step looked at
  uint32_t rows_here = 0, rows = 0;  // tokens of the passage that the lane holds, and all
  uint32_t lanes = 0, lost = 0;      // lanes of the model, and those that have lost it by then
  std::optional<Step> half_lost;     // step by which half of all lanes had lost it; none = never
};
NeedleStory needle_story(const Run& run, PositionRange needle, LaneId lane, Step step);
/// "kept until step 8,412, lost in 61 % of heads", with the run's word for its lanes.
QString needle_text(const NeedleStory& story, const Run& run);

}  // namespace dendrokv
