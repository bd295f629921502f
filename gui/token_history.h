#pragma once
// How a token came to stand as it does, and what might have become of it, as sections of the side
// panel.

#include <vector>

#include "gui/lane_story.h"

namespace dendrokv {

/// Chain of winners, what would have kept it, the subtree that it outlived, other policies: those
/// that there are.
std::vector<Section> token_history(const LaneStory& story, Position position);

}  // namespace dendrokv
