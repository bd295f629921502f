#include "cli/outputs.h"

#include <fstream>
#include <stdlib.h>
#include <unistd.h>

#include "cli/options.h"
#include "data/set_file.h"

namespace dendrokv {

namespace fs = std::filesystem;

namespace {

/// By trying: what permissions say is not all that a file system may refuse.
bool can_hold_files(const fs::path& folder) {
  std::string name = (folder / ".dendrokv-XXXXXX").string();
  const int file = mkstemp(name.data());
  if (file < 0) return false;
  close(file);
  unlink(name.c_str());
  return true;
}

}  // namespace

void check_output(const fs::path& path, std::span<const fs::path> inputs) {
  const std::string subject = path.string();
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::error_code ignored;
  if (!fs::exists(folder, ignored))
    fail(subject, "the folder " + folder.string() + " is not there", "wanted a folder to write to",
         "make it with mkdir -p " + folder.string());
  if (!fs::is_directory(folder, ignored))
    fail(subject, folder.string() + " is not a folder", "wanted a folder to write to");
  if (fs::is_directory(path, ignored)) fail(subject, "a folder", "wanted the name of a file");
  if (!path.has_filename()) fail(subject, "no file name", "wanted the name of a file");
  if (fs::exists(path, ignored) && !fs::is_regular_file(path, ignored))
    fail(subject, "not a regular file", "wanted the name of a file that can be replaced");
  if (!can_hold_files(folder))
    fail(subject, "the folder " + folder.string() + " is not writable",
         "wanted a folder to write to");
  for (const fs::path& input : inputs)
    if (fs::exists(path, ignored) && fs::equivalent(path, input, ignored))
      fail_usage(subject, "both input and output", "wanted another name for the output");
}

void check_output_folder(const fs::path& folder) {
  std::error_code ignored;
  fs::path there = fs::absolute(folder);
  // A link that leads nowhere is there, and no folder can be made in its place.
  while (!fs::exists(fs::symlink_status(there, ignored)) && there.has_relative_path())
    there = there.parent_path();
  if (!fs::is_directory(there, ignored))
    fail(folder.string(), there.string() + " is not a folder", "wanted a folder for files");
  if (!can_hold_files(there))
    fail(folder.string(), "the folder " + there.string() + " is not writable",
         "wanted a folder for files");
}

Unfinished unfinished_part(const fs::path& output, std::string_view format) {
  fs::path part = output;
  part += ".part";
  std::error_code ignored;
  if (!fs::exists(part, ignored)) return Unfinished::None;
  std::string found;
  try {
    found = format_of(part);
  } catch (const Error&) {
    return Unfinished::Damaged;
  }
  if (found != format)
    fail(part.string(), "is a " + found + " file, and would be written over",
         "wanted it away, or another output", "finish or remove it first");
  return Unfinished::There;
}

void write_whole(const fs::path& path, const std::string& contents) {
  fs::path part = path;
  part += ".part";
  std::ofstream file(part, std::ios::binary);
  file << contents;
  file.close();
  std::error_code error;
  if (file) fs::rename(part, path, error);
  if (!file || error) {
    fs::remove(part, error);
    fail(path.string(), "cannot be written", "wanted a writable folder with room",
         "check the disk");
  }
}

}  // namespace dendrokv
