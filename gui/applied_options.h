#pragma once
// What the command line says about the files that it names, once they are open.

#include "gui/content.h"
#include "gui/options.h"
#include "gui/selection.h"

namespace dendrokv {

/// Puts what the options say onto a selection of `content`. Throws Error when it is not in the
/// text, the runs or the model.
Selection selected_by(const ViewOptions& options, const Content& content, Selection start);

/// What --compare names: the run to look at, and what to compare it with.
struct ComparedWith {
  size_t run = 0;
  std::vector<size_t> others;                 // runs of the same trace
  std::vector<std::filesystem::path> beside;  // or another trace
};
/// Each of the two is the number of a run, the beginning of its policy's spec, or the file of a
/// trace. Throws Error when it is none of these.
ComparedWith compared_by(const ViewOptions& options, const Content& content);

}  // namespace dendrokv
