#pragma once
// What all our HDF5 files carry at the root: format, version, uuid, time, creator, command line,
// complete.

#include <filesystem>
#include <functional>
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

/// What a file is when it is put in place.
enum class Stage : uint8_t {
  Part,   // as PATH.part: what was done of a work that goes on
  Whole,  // as PATH; PATH.part leaves
};

/// Makes a file anew by `write`. Until it is closed it lies beside what was there before, which
/// stays as it is when the disk fills up or the process is killed. Throws what `write` throws.
void write_in_place(const std::filesystem::path& path, Stage stage,
                    const std::function<void(h5::File& file)>& write);

struct DefaultAxis {
  std::string name, target;  // of one dimension of the signal: its word and its dataset
};

/// A NeXus chain /entry/overview, by which generic viewers open a plot by themselves: soft links to
/// the dataset at `signal` and, unless they are left out, to one axis for each of its dimensions.
void write_default_plot(h5::File& file, std::string_view signal,
                        std::span<const DefaultAxis> axes = {});

}  // namespace dendrokv
