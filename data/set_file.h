#pragma once
// A file of results of many tasks: each is a group that holds what its own file held, so that
// "set.h5/item/3" opens like a file of its own (data/hdf5.h, Place). A rank of a divided run writes
// one with the tasks that it did; `dendrokv merge` makes one of several.
//
// What is in it follows from the tasks alone, not from when, where or by how many processes they
// were done: uuid and `created` too.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace dendrokv {

/// A task of a list, as far as files tell of it.
struct SetItem {
  uint64_t order = 0;  // place in the list, from 0
  std::string key;     // of the task: hash of model, text, parameters, format
  std::string task;    // as people read it: its command line
  std::string format;  // of the result: "dendrokv-trace"; empty = it failed
  std::string error;   // why it failed
  // result, a file or a place in one; of a set that was read: the place in it
  std::filesystem::path file;
};

struct FileSet {
  std::string uuid, created, creator, command_line;
  uint64_t tasks = 0;  // of the whole list, those of other ranks too
  std::string shard;   // "1/4": rank and number of ranks; empty in a merged set
  std::vector<SetItem> items;
};

/// Writes `path`.part with a copy of each item's result, items by order, then renames. Throws
/// Error.
void write_set(const std::filesystem::path& path, FileSet set);
FileSet read_set(const std::filesystem::path& path);

/// What a file of ours calls itself: "dendrokv-trace"; and who it is. Throw Error: not a file of
/// ours.
std::string format_of(const std::filesystem::path& path);
std::string uuid_of_file(const std::filesystem::path& path);

}  // namespace dendrokv
