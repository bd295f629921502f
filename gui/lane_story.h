#pragma once
// What became of one token in one lane of one run, as sections of the side panel.

#include "gui/content.h"
#include "gui/inspection.h"
#include "gui/selection.h"
#include "gui/trace_queries.h"

namespace dendrokv {

/// One lane of one run, with the questions that the panel asks of it.
struct LaneStory {
  const Content& content;
  size_t run_number;
  const Run& run;
  LaneId lane;
  Step step;

  int32_t evict_step(Position p) const {
    return run.retention.evict_step(lane.layer, lane.lane)[p.index()];
  }
  int32_t rival(Position p) const { return run.retention.rival(lane.layer, lane.lane)[p.index()]; }
  bool gone(Position p) const {
    return evict_step(p) >= 0 && evict_step(p) <= static_cast<int32_t>(step.value);
  }
  Reason reason(Position p) const {
    return static_cast<Reason>(run.retention.reason(lane.layer, lane.lane)[p.index()]);
  }
  const LaneIndex& index() const { return content.index(run_number).lane(lane); }
  TokenState state(Position p) const { return content.index(run_number).state(lane, p, step); }
  QString quoted(Position p) const;
};

/// "Why was it evicted?", "Still in the cache" ...
QString card_title(TokenState state);
/// When and how it left, or how it stands; `row` may be null.
Section token_facts(const LaneStory& story, Position position, const RowSnapshot* row);
/// What became of a marked passage.
Section passage_story(const LaneStory& story, PositionRange range);

}  // namespace dendrokv
