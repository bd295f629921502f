#pragma once
// What a user's files are: the trace, and runs over it.

#include <filesystem>
#include <vector>

#include "data/runs_file.h"

namespace dendrokv {

struct FileSet {
  std::filesystem::path trace;
  std::vector<std::filesystem::path> runs;
};

/// As sniff_file, but a file that is still being written, or has lost its end, counts too.
FileKind kind_of(const std::filesystem::path& file);
/// Which of the files is the trace. Throws Error: none or two, a file of another kind.
FileSet sort_files(const std::vector<std::filesystem::path>& files);

}  // namespace dendrokv
