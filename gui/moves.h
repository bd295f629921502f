#pragma once
// Where the keys lead: changes of a selection over a document. Plain functions, no window.

#include "gui/content.h"
#include "gui/kinship.h"
#include "gui/selection.h"

namespace dendrokv {

enum class Direction { Back, On };

/// To another lane, in the order of layers and lanes.
void move_lane(const Content& content, Selection& wanted, int by);
/// To another lane, which joins those that are chosen.
void extend_lanes(const Content& content, Selection& wanted, int by);
/// The scope, or one lane if it is that scope already.
void toggle_scope(Selection& wanted, LaneScope scope);
void move_position(const Content& content, Selection& wanted, int by);
/// To the next step at which the lane drops a token, or back to the last one.
void move_to_eviction(const Content& content, Selection& wanted, Direction direction);
/// To the next step at which something happens to the locked token: read, won, left.
void move_to_event(const Content& content, Selection& wanted, Direction direction);
/// On: to who took its place; back: to the last one that it outlived.
void move_to_kin(const Content& content, Selection& wanted, Direction direction);
/// By tenths of what is visible.
void pan(Selection& wanted, int tenths);
/// About the middle, to `percent` of what is visible.
void zoom(Selection& wanted, int percent);
/// The marked range, or the locked token with its kin, with a margin; where that is so already, the
/// whole text.
void frame_or_fit(const Content& content, Kinship& kinship, Selection& wanted);
/// Begins a range at the locked token; then takes it as the other end.
void mark_range(Selection& wanted);

}  // namespace dendrokv
