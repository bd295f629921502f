#pragma once
// A file of policy runs over one trace (`dendrokv replay`), and the first look at any file of ours.

#include <filesystem>
#include <string>
#include <vector>

#include "data/retention.h"

namespace dendrokv {

struct RunsFile {
  std::string uuid, created, creator, command_line;
  std::string trace_uuid;
  std::vector<Run> runs;
};

/// Writes `path`.part, then renames. Fills uuid, created and creator when empty. Throws Error.
void write_runs(const std::filesystem::path& path, RunsFile file);
RunsFile read_runs(const std::filesystem::path& path, Records records = Records::Whole);

/// What a file is by its first bytes and its `format` attribute. Missing or foreign files throw
/// Error.
enum class FileKind { Gguf, Trace, Runs, Analysis, Eval };
FileKind sniff_file(const std::filesystem::path& path);

}  // namespace dendrokv
