#pragma once
// A whole trace from one whose writer was stopped or killed.

#include <cstdint>
#include <filesystem>

#include "data/progress.h"

namespace dendrokv {

struct Recovered {
  uint32_t tokens = 0, tokens_planned = 0;
  uint64_t steps = 0;
  bool stopped = false;  // by `progress`: nothing was written
};

/// Writes the steps of `part` that are whole, the tokens up to the last of them, and the same
/// `uuid` to `output`. `part` is read only: a file that was open when its writer died says so in
/// its head, so the work is done on a copy, OUTPUT.copy, which is removed. Throws Error: not the
/// trace of a writer that stopped, no step whole, no room for copy and result.
Recovered recover_trace(const std::filesystem::path& part, const std::filesystem::path& output,
                        const Progress& progress);

}  // namespace dendrokv
