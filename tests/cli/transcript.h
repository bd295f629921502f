#pragma once
// Transcripts: commands and what they must print, as text.
//
//   # comment
//   $ dendrokv info missing.gguf      a command for sh, in a folder of its own that the whole file
//                                     shares
//   > a line on standard output       all lines, in order
//   ! a line on standard error        all lines, in order
//   ? 1                               the exit status; 0 when not said
//
// In an expected line * stands for any characters; a line that is only ... stands for any number of
// lines. Without "> " or "! " lines nothing may be printed there.

#include <filesystem>
#include <string>
#include <vector>

namespace dendrokv::testing {

struct Exchange {
  int line = 0;  // of the command in its file, from 1
  std::string command;
  std::vector<std::string> output, error;
  int status = 0;
};

/// Throws std::runtime_error that names the line.
std::vector<Exchange> parse_transcript(const std::string& text);

/// `pattern` with * for any characters.
bool line_matches(const std::string& pattern, const std::string& line);
/// `patterns` may hold "..." for any number of lines.
bool lines_match(const std::vector<std::string>& patterns, const std::vector<std::string>& lines);

struct Answer {
  std::vector<std::string> output, error;
  int status = 0;
};
/// Runs a command with sh in `folder`; its output goes through files beside that folder.
Answer run_command(const std::string& command, const std::filesystem::path& folder);

}  // namespace dendrokv::testing
