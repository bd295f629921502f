#pragma once
// Any set of lanes: as text, as words, and how one is put together lane by lane.

#include <QString>
#include <string>
#include <string_view>
#include <vector>

#include "gui/content.h"
#include "gui/selection.h"

namespace dendrokv {

/// "L3, L5-7:H2": layers with all of their lanes or with those named; "3.1" is lane 1 of layer 3,
/// "all" every lane. In order, each once. Throws Error: not of this form, or beyond what the run
/// has.
std::vector<LaneId> parse_lane_set(std::string_view text, const Run& run);
/// The same as parse_lane_set() reads it, as short as it goes; empty for no lane.
std::string lane_set_text(std::span<const LaneId> lanes, const Run& run);

/// "layer 3 · KV head 1", "the lanes of layer 3", "all lanes" or "5 lanes (L3, L5-7:H2)".
QString lanes_in_words(const Run& run, const Selection& selection);

/// Adds a lane to those that are chosen, or takes it from them; the last one stays.
void toggle_lane(const Run& run, Selection& wanted, LaneId lane);
/// Exactly these, in any order, the last named one in front; a single one is a lane of its own.
void choose_lanes(Selection& wanted, std::vector<LaneId> lanes);

/// The recorded heads of the chosen lanes; empty where none was recorded.
std::vector<LayerHeads> recorded_heads(const Content& content, const Selection& selection);

}  // namespace dendrokv
