#include "gui/kinship.h"

#include "data/lineage.h"

namespace dendrokv {
namespace {

/// What the kin depends on, as a selection.
Selection reduced(const Selection& selection) {
  Selection key;
  key.run = selection.run;
  key.scope = selection.scope;
  key.layer = selection.layer;
  key.lane = selection.lane;
  key.step = selection.step;
  key.position = selection.position;
  return key;
}

}  // namespace

const Kin& Kinship::of(const Content& content, const Selection& selection) {
  const Selection key = reduced(selection);
  if (known_ == key) return kin_;
  known_ = key;
  kin_ = {};
  if (key.scope != LaneScope::One || !key.position || key.position->value > key.step.value)
    return kin_;
  const Retention& retention = content.runs[key.run].retention;
  kin_.winners = winners(retention, key.layer, key.lane, *key.position, key.step);
  kin_.descendants =
      content.index(key.run).lane({key.layer, key.lane}).descendants(*key.position, key.step);
  return kin_;
}

}  // namespace dendrokv
