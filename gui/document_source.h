#pragma once
// What the document's jobs read from. For gui/document*.cpp alone.

#include <optional>

#include "data/trace_reader.h"
#include "gui/document.h"
#include "gui/heat_source.h"

namespace dendrokv {

/// Used by jobs only, hence by one thread at a time.
struct Document::Source {
  std::optional<TraceReader> trace;
  std::optional<HeatSource> heat;  // borrows the trace
};

}  // namespace dendrokv
