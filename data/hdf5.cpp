// Files, and what is in them. Chunk caches are off for unfiltered datasets: we write whole chunks,
// or boxes that go straight to their place in the file, and read boxes of unfiltered chunks the
// same way.

#include "data/hdf5.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <hdf5.h>
#include <limits>
#include <unistd.h>

#include "data/half.h"
#include "data/hdf5_direct.h"
#include "data/hdf5_library.h"
#include "data/hdf5_patient.h"
#include "data/regular_file.h"

namespace dendrokv::h5 {
namespace {

constexpr uint64_t kAnyExtent = std::numeric_limits<uint64_t>::max();
// Metadata lies together, so that opening is a few reads.
constexpr hsize_t kMetadataBlock = hsize_t{1} << 18;

void set_fill(hid_t properties, Type type, const std::string& subject) {
  constexpr int32_t kAbsentNumber = -1;
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr double kNanDouble = std::numeric_limits<double>::quiet_NaN();
  const void* value = nullptr;
  if (type == Type::I32) value = &kAbsentNumber;
  if (type == Type::F16) value = &kHalfNan;
  if (type == Type::F32) value = &kNan;
  if (type == Type::F64) value = &kNanDouble;
  if (!value) return;
  need(H5Pset_fill_value(properties, library_type(type).id(), value), subject,
       "its fill value cannot be set");
}

Handle access_without_cache(const std::string& subject) {
  Handle access = own<H5Pclose>(H5Pcreate(H5P_DATASET_ACCESS), subject, "HDF5 has no memory");
  need(H5Pset_chunk_cache(access.id(), 0, 0, H5D_CHUNK_CACHE_W0_DEFAULT), subject,
       "its chunk cache cannot be set");
  return access;
}

bool is_filtered(hid_t dataset, const std::string& subject) {
  const Handle properties =
      own<H5Pclose>(H5Dget_create_plist(dataset), subject, "its layout cannot be read");
  return H5Pget_nfilters(properties.id()) > 0;
}

// The library's own words about such files say less.
void check_readable(const std::filesystem::path& path, Reading reading) {
  const std::string name = path.string();
  check_regular_file(path, "an HDF5 file");
  if (std::error_code error; std::filesystem::is_empty(path, error))
    fail(name, "is empty", "wanted a file that dendrokv wrote");
  if (reading == Reading::Strict && H5Fis_hdf5(name.c_str()) <= 0)
    fail(name, "is not an HDF5 file", "wanted a file that dendrokv wrote");
}

// Syncs by name, because the library's own descriptor is gone once the file is closed.
void sync_to_disk(const std::string& name, int flags) {
  const int descriptor = ::open(name.c_str(), flags | O_CLOEXEC);
  const bool synced = descriptor >= 0 && fsync(descriptor) == 0;
  const int error = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!synced) fail(name, std::string("cannot be synced to the disk: ") + std::strerror(error));
}

}  // namespace

Place place_of(const std::filesystem::path& path) {
  std::error_code ignored;
  std::filesystem::path file = path, group;
  while (!std::filesystem::exists(file, ignored) && file.has_parent_path() &&
         file.has_relative_path()) {
    group = group.empty() ? file.filename() : file.filename() / group;
    file = file.parent_path();
    if (std::filesystem::is_regular_file(file, ignored)) return {file, group.string()};
  }
  return {path, {}};
}

File::File(Handle handle, std::string name, Writing writing)
    : handle_(std::move(handle)), name_(std::move(name)), writing_(writing) {}

File File::create(const std::filesystem::path& path, Writing writing) {
  quieten();
  const std::string name = path.string();
  const Handle access = own<H5Pclose>(H5Pcreate(H5P_FILE_ACCESS), name, "HDF5 has no memory");
  // Version 1.10 of the format indexes chunks of a fixed extent by a plain array; any 1.10 reader
  // knows it.
  need(H5Pset_libver_bounds(access.id(), H5F_LIBVER_V110, H5F_LIBVER_V110), name,
       "has no format version");
  need(H5Pset_fclose_degree(access.id(), H5F_CLOSE_STRONG), name, "cannot be set up");
  need(H5Pset_meta_block_size(access.id(), kMetadataBlock), name, "cannot be set up");
  if (writing == Writing::Direct) use_direct_driver(access, name);
  const Handle creation = own<H5Pclose>(H5Pcreate(H5P_FILE_CREATE), name, "HDF5 has no memory");
  need(H5Pset_obj_track_times(creation.id(), 0), name, "cannot be set up");
  return {own<H5Fclose>(H5Fcreate(name.c_str(), H5F_ACC_TRUNC, creation.id(), access.id()), name,
                        "cannot be created"),
          name, writing};
}

File File::open(const std::filesystem::path& given, Reading reading) {
  quieten();
  const auto [path, group] = place_of(given);
  const std::string name = path.string();
  check_readable(path, reading);
  const Handle access = own<H5Pclose>(H5Pcreate(H5P_FILE_ACCESS), name, "HDF5 has no memory");
  need(H5Pset_fclose_degree(access.id(), H5F_CLOSE_STRONG), name, "cannot be set up");
  // A lock would stop a writer, and fail on a read-only disk.
  need(H5Pset_file_locking(access.id(), 0, 1), name, "cannot be set up");
  if (reading == Reading::Patient) use_patient_driver(access, name);
  const hid_t id = H5Fopen(name.c_str(), H5F_ACC_RDONLY, access.id());
  if (id < 0)
    fail(name, "cannot be opened", "wanted a whole HDF5 file",
         "it is truncated, damaged, or still being written");
  File file(own<H5Fclose>(id, name, "cannot be opened"), name);
  if (!group.empty()) file.stand_for_group(group, given.string());
  return file;
}

void File::stand_for_group(const std::string& group, const std::string& name) {
  if (!has("/" + group))
    fail(name, "the file has no group /" + group, "wanted one of its members",
         "dendrokv info " + name_ + " lists them");
  group_ =
      own<H5Gclose>(H5Gopen2(handle_.id(), group.c_str(), H5P_DEFAULT), name, "cannot be opened");
  name_ = name;
}

std::string File::local(std::string_view path) const {
  if (group_.id() < 0 || !path.starts_with('/')) return std::string(path);
  return path.size() == 1 ? "." : std::string(path.substr(1));
}

std::string File::at(std::string_view object) const {
  return name_ + ": " + std::string(object);
}

void File::create_group(std::string_view path) {
  quieten();
  const Handle properties =
      own<H5Pclose>(H5Pcreate(H5P_GROUP_CREATE), at(path), "HDF5 has no memory");
  need(H5Pset_obj_track_times(properties.id(), 0), at(path), "cannot be set up");
  const Handle group = own<H5Gclose>(H5Gcreate2(handle_.id(), std::string(path).c_str(),
                                                H5P_DEFAULT, properties.id(), H5P_DEFAULT),
                                     at(path), "the group cannot be made");
}

void File::copy_from(const File& source, std::string_view path) {
  quieten();
  need(H5Ocopy(source.base(), ".", handle_.id(), std::string(path).c_str(), H5P_DEFAULT,
               H5P_DEFAULT),
       at(path), ("cannot be copied from " + source.name()).c_str());
}

Dataset File::create_dataset(std::string_view path, Type type, const Shape& shape,
                             const Shape& chunk, Fill fill) {
  quieten();
  const std::string subject = at(path);
  const Handle space = simple_space(shape, subject);
  const Handle properties =
      own<H5Pclose>(H5Pcreate(H5P_DATASET_CREATE), subject, "HDF5 has no memory");
  if (!chunk.empty()) {
    const std::vector<hsize_t> extents(chunk.begin(), chunk.end());
    need(H5Pset_chunk(properties.id(), static_cast<int>(extents.size()), extents.data()), subject,
         "cannot be chunked");
  }
  if (fill == Fill::Absent) set_fill(properties.id(), type, subject);
  // Times of datasets would make equal files differ.
  need(H5Pset_obj_track_times(properties.id(), 0), subject, "cannot be set up");
  const hid_t id =
      H5Dcreate2(handle_.id(), std::string(path).c_str(), library_type(type).id(), space.id(),
                 H5P_DEFAULT, properties.id(), access_without_cache(subject).id());
  return {own<H5Dclose>(id, subject, "the dataset cannot be made"), subject};
}

void File::link(std::string_view target, std::string_view path) {
  quieten();
  need(H5Lcreate_soft(std::string(target).c_str(), handle_.id(), std::string(path).c_str(),
                      H5P_DEFAULT, H5P_DEFAULT),
       at(path), "the link cannot be made");
}

bool File::has(std::string_view path) const {
  quieten();
  // H5Lexists wants every parent to exist, so each prefix is asked in turn.
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string prefix = local(path.substr(0, slash));
    if (H5Lexists(base(), prefix.c_str(), H5P_DEFAULT) <= 0) return false;
    if (slash == std::string_view::npos) return true;
  }
}

Dataset File::open_dataset(std::string_view path) const {
  quieten();
  const std::string subject = at(path), name = local(path);
  if (!has(path)) fail(subject, "is missing", "wanted a dataset of that name");
  Handle handle =
      own<H5Dclose>(H5Dopen2(base(), name.c_str(), H5P_DEFAULT), subject, "cannot be opened");
  if (!is_filtered(handle.id(), subject)) {
    handle.close();  // else the library hands out the same object, with the cache that it has
    handle = own<H5Dclose>(H5Dopen2(base(), name.c_str(), access_without_cache(subject).id()),
                           subject, "cannot be opened");
  }
  return {std::move(handle), subject};
}

Dataset File::open_dataset(std::string_view path, Type type, const Shape& shape) const {
  Dataset dataset = open_dataset(path);
  if (dataset.type() != type)
    fail(dataset.subject(), "has type " + std::string(type_name(dataset.type())),
         "wanted " + std::string(type_name(type)));
  bool fits = shape.size() == dataset.shape().size();
  for (size_t i = 0; fits && i < shape.size(); ++i)
    fits = shape[i] == kAnyExtent || shape[i] == dataset.shape()[i];
  if (fits) return dataset;
  std::string wanted = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    wanted += (i ? ", " : "") + (shape[i] == kAnyExtent ? "any" : std::to_string(shape[i]));
  fail(dataset.subject(), "has shape " + shape_text(dataset.shape()), "wanted " + wanted + "]");
}

void File::settle() {
  quieten();
  if (writing_ == Writing::Direct) settle_direct(handle_.id(), name_);
}

void File::flush() {
  quieten();
  need(H5Fflush(handle_.id(), H5F_SCOPE_GLOBAL), name_, "flushing failed");
}

void File::sync() {
  flush();
  sync_to_disk(name_, O_RDONLY);
}

void File::close() {
  quieten();
  need(handle_.close(), name_, "closing failed");
  sync_to_disk(name_, O_RDONLY);
}

void forget_open_writer(const std::filesystem::path& path) {
  quieten();
  const std::string name = path.string();
  const Handle access = own<H5Pclose>(H5Pcreate(H5P_FILE_ACCESS), name, "HDF5 has no memory");
  need(H5Pset_fclose_degree(access.id(), H5F_CLOSE_STRONG), name, "cannot be set up");
  const hbool_t clear = true;
  // What h5clear uses; the library has no function for it.
  need(H5Pset(access.id(), "clear_status_flags", &clear), name, "cannot be set up");
  own<H5Fclose>(H5Fopen(name.c_str(), H5F_ACC_RDWR, access.id()), name,
                "is damaged beyond recovery");
}

void publish(const std::filesystem::path& part, const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::rename(part, path, error);
  if (error)
    fail(path.string(), "cannot be put in place: " + error.message(),
         "wanted to rename " + part.string());
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  sync_to_disk(folder.string(), O_RDONLY | O_DIRECTORY);
}

}  // namespace dendrokv::h5
