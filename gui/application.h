#pragma once
// The program around the window: platform, batch work, exit status.

#include <optional>
#include <string>

#include "gui/options.h"

namespace dendrokv {

/// What must be settled before Qt starts: batch work draws offscreen; a window without a display is
/// an Error.
void choose_platform(const ViewOptions& options);

/// Fusion and one font, so that pictures are alike everywhere. After QApplication.
void set_up_application();

/// Opens the files, draws or exports when all is there. Answers why the files could not be shown,
/// if so; throws Error when an output cannot be written.
std::optional<std::string> run_batch(const ViewOptions& options);

}  // namespace dendrokv
