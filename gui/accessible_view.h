#pragma once
// What a canvas says to a screen reader: a table whose one cell is the token in focus, with its
// text, place and fate. The same words stand in the side panel, where they can be selected and
// copied.

namespace dendrokv {

/// Once per program, after QApplication.
void install_accessible_views();

}  // namespace dendrokv
