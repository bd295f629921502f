#pragma once
// What all our HDF5 files carry at the root: format, version, uuid, time, creator, command line,
// complete.

#include <span>
#include <string>
#include <string_view>

#include "data/hdf5.h"

namespace dendrokv {

inline constexpr uint64_t kFormatVersion = 1;

struct FileRoot {
  std::string uuid, created, creator, command_line;
};

/// Fills uuid, created and creator where they are empty; writes `complete` = 0.
void write_root(h5::File& file, std::string_view format, FileRoot& root);
void mark_complete(h5::File& file);
bool is_complete(const h5::File& file);

/// Throws Error when the file has another format or a newer version.
FileRoot read_root(const h5::File& file, std::string_view format);

struct DefaultAxis {
  std::string name, target;  // of one dimension of the signal: its word and its dataset
};

/// A NeXus chain /entry/overview, by which generic viewers open a plot by themselves: soft links to
/// the dataset at `signal` and, unless they are left out, to one axis for each of its dimensions.
void write_default_plot(h5::File& file, std::string_view signal,
                        std::span<const DefaultAxis> axes = {});

}  // namespace dendrokv
