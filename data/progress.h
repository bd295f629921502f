#pragma once
// How long work tells its caller how far it is, and learns whether to go on.

#include <cstdint>
#include <functional>

namespace dendrokv {

enum class Continue { Yes, Stop };

/// Called now and then from the thread that runs the work; `done` of `total` units (the caller
/// knows which). Answering Stop ends the work early and cleanly. An empty function means nobody is
/// watching.
using Progress = std::function<Continue(uint64_t done, uint64_t total)>;

}  // namespace dendrokv
