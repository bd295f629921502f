#include "data/hdf5.h"

#include <fcntl.h>
#include <hdf5.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "data/error.h"
#include "data/half.h"

namespace dendrokv::h5 {
namespace {

static_assert(sizeof(hid_t) == sizeof(int64_t));

// Every failure becomes an Error with our own words; the library's prints are switched off, per thread as it keeps them. Its
// clean-up at exit is switched off too: version 1.10 crashes there when a file could not be closed because the disk is full,
// and all that is ours is closed by then.
void silence() {
  [[maybe_unused]] static const herr_t no_clean_up = H5dont_atexit();
  thread_local bool silent = false;
  if (silent) return;
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  H5PLset_loading_state(0);
  silent = true;
}

void need(int64_t result, const std::string& subject, const char* failure) {
  if (result < 0) fail(subject, failure, "wanted HDF5 to do it", "is the disk full or the file damaged?");
}

template <herr_t (*Close)(hid_t)>
Handle own(hid_t id, const std::string& subject, const char* failure) {
  need(id, subject, failure);
  return {id, [](int64_t handle) -> int { return Close(handle); }};
}

Handle half_type() {
  Handle type = own<H5Tclose>(H5Tcopy(H5T_IEEE_F32LE), "float16", "type cannot be made");
  H5Tset_fields(type.id(), 15, 10, 5, 0, 10);
  H5Tset_size(type.id(), 2);
  H5Tset_ebias(type.id(), 15);
  return type;
}

Handle library_type(Type type) {
  const auto copy = [](hid_t id) { return own<H5Tclose>(H5Tcopy(id), "type", "cannot be made"); };
  switch (type) {
    case Type::U8:
      return copy(H5T_STD_U8LE);
    case Type::I32:
      return copy(H5T_STD_I32LE);
    case Type::U64:
      return copy(H5T_STD_U64LE);
    case Type::F16:
      return half_type();
    case Type::F32:
      return copy(H5T_IEEE_F32LE);
    case Type::F64:
      return copy(H5T_IEEE_F64LE);
  }
  DENDROKV_ASSERT(false);
  return {};
}

Type our_type(hid_t id, const std::string& subject) {
  for (const Type type : {Type::U8, Type::I32, Type::U64, Type::F16, Type::F32, Type::F64})
    if (H5Tequal(id, library_type(type).id()) > 0) return type;
  fail(subject, "has another element type", "wanted one of uint8, int32, uint64, float16, float32, float64");
}

Handle text_type(size_t size) {
  Handle type = own<H5Tclose>(H5Tcopy(H5T_C_S1), "text", "type cannot be made");
  H5Tset_size(type.id(), std::max<size_t>(size, 1));
  H5Tset_strpad(type.id(), H5T_STR_NULLPAD);
  H5Tset_cset(type.id(), H5T_CSET_UTF8);
  return type;
}

Handle simple_space(std::span<const uint64_t> shape, const std::string& subject) {
  const std::vector<hsize_t> extents(shape.begin(), shape.end());
  return own<H5Sclose>(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr), subject,
                       "its shape cannot be made");
}

void set_fill(hid_t properties, hid_t file_type, Type type) {
  constexpr int32_t kAbsentNumber = -1;
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr double kNanDouble = std::numeric_limits<double>::quiet_NaN();
  if (type == Type::I32) H5Pset_fill_value(properties, file_type, &kAbsentNumber);
  if (type == Type::F16) H5Pset_fill_value(properties, file_type, &kHalfNan);
  if (type == Type::F32) H5Pset_fill_value(properties, file_type, &kNan);
  if (type == Type::F64) H5Pset_fill_value(properties, file_type, &kNanDouble);
}

std::string zero_ended(std::string_view text) { return std::string(text); }

constexpr uint64_t kLongestText = 1 << 20;
constexpr uint64_t kLongestTable = 1 << 16;

}  // namespace

size_t type_bytes(Type type) {
  constexpr size_t kBytes[] = {1, 4, 8, 2, 4, 8};
  return kBytes[static_cast<size_t>(type)];
}

std::string_view type_name(Type type) {
  constexpr std::string_view kNames[] = {"uint8", "int32", "uint64", "float16", "float32", "float64"};
  return kNames[static_cast<size_t>(type)];
}

std::string shape_text(std::span<const uint64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

Handle::~Handle() {
  silence();
  if (id_ >= 0 && close_) close_(id_);
}

Handle::Handle(Handle&& other) noexcept
    : id_(std::exchange(other.id_, -1)), close_(std::exchange(other.close_, nullptr)) {}

Handle& Handle::operator=(Handle&& other) noexcept {
  std::swap(id_, other.id_);
  std::swap(close_, other.close_);
  return *this;
}

Dataset::Dataset(Handle handle, std::string subject)
    : handle_(std::move(handle)), subject_(std::move(subject)) {
  const Handle type = own<H5Tclose>(H5Dget_type(handle_.id()), subject_, "its type cannot be read");
  type_ = our_type(type.id(), subject_);
  const Handle space = own<H5Sclose>(H5Dget_space(handle_.id()), subject_, "its shape cannot be read");
  const int rank = H5Sget_simple_extent_ndims(space.id());
  need(rank, subject_, "its rank cannot be read");
  std::vector<hsize_t> extents(static_cast<size_t>(rank));
  need(H5Sget_simple_extent_dims(space.id(), extents.data(), nullptr), subject_, "its shape cannot be read");
  shape_.assign(extents.begin(), extents.end());
}

uint64_t Dataset::elements() const {
  uint64_t count = 1;
  for (const uint64_t extent : shape_) count *= extent;
  return count;
}

void Dataset::write(const void* data) {
  silence();
  need(H5Dwrite(handle_.id(), library_type(type_).id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, data), subject_,
       "writing failed");
}

namespace {

struct Box {
  Handle file, memory;
};

Box select(hid_t dataset, std::span<const uint64_t> start, std::span<const uint64_t> count,
           const std::string& subject) {
  Box box{own<H5Sclose>(H5Dget_space(dataset), subject, "its shape cannot be read"),
          simple_space(count, subject)};
  const std::vector<hsize_t> first(start.begin(), start.end()), size(count.begin(), count.end());
  need(H5Sselect_hyperslab(box.file.id(), H5S_SELECT_SET, first.data(), nullptr, size.data(), nullptr), subject,
       "the box lies outside");
  return box;
}

}  // namespace

void Dataset::write(std::span<const uint64_t> start, std::span<const uint64_t> count, const void* data) {
  silence();
  const Box box = select(handle_.id(), start, count, subject_);
  need(H5Dwrite(handle_.id(), library_type(type_).id(), box.memory.id(), box.file.id(), H5P_DEFAULT, data),
       subject_, "writing failed");
}

void Dataset::write_chunk(std::span<const uint64_t> start, std::span<const std::byte> bytes) {
  silence();
  const std::vector<hsize_t> first(start.begin(), start.end());
  need(H5Dwrite_chunk(handle_.id(), H5P_DEFAULT, 0, first.data(), bytes.size(), bytes.data()), subject_,
       "writing a chunk failed");
}

void Dataset::read(void* data) const {
  silence();
  need(H5Dread(handle_.id(), library_type(type_).id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, data), subject_,
       "reading failed");
}

void Dataset::read(std::span<const uint64_t> start, std::span<const uint64_t> count, void* data) const {
  silence();
  const Box box = select(handle_.id(), start, count, subject_);
  need(H5Dread(handle_.id(), library_type(type_).id(), box.memory.id(), box.file.id(), H5P_DEFAULT, data), subject_,
       "reading failed");
}

File::File(Handle handle, std::string name) : handle_(std::move(handle)), name_(std::move(name)) {}

File File::create(const std::filesystem::path& path) {
  silence();
  const std::string name = path.string();
  const Handle access = own<H5Pclose>(H5Pcreate(H5P_FILE_ACCESS), name, "HDF5 has no memory");
  H5Pset_libver_bounds(access.id(), H5F_LIBVER_V110, H5F_LIBVER_V110);
  H5Pset_fclose_degree(access.id(), H5F_CLOSE_STRONG);
  H5Pset_meta_block_size(access.id(), hsize_t{1} << 20);
  const hid_t id = H5Fcreate(name.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.id());
  if (id < 0) fail(name, "cannot be created", "wanted a writable folder", "check the path and its permissions");
  return {own<H5Fclose>(id, name, "cannot be created"), name};
}

File File::open(const std::filesystem::path& path) {
  silence();
  const std::string name = path.string();
  std::error_code error;
  if (!std::filesystem::exists(path, error)) fail(name, "does not exist", "wanted an HDF5 file");
  if (std::filesystem::is_directory(path, error)) fail(name, "is a folder", "wanted an HDF5 file");
  if (H5Fis_hdf5(name.c_str()) <= 0) fail(name, "is not an HDF5 file", "wanted a file that dendrokv wrote");
  const Handle access = own<H5Pclose>(H5Pcreate(H5P_FILE_ACCESS), name, "HDF5 has no memory");
  H5Pset_fclose_degree(access.id(), H5F_CLOSE_STRONG);
  H5Pset_file_locking(access.id(), 0, 1);
  const hid_t id = H5Fopen(name.c_str(), H5F_ACC_RDONLY, access.id());
  if (id < 0) fail(name, "cannot be opened", "wanted a whole HDF5 file", "it is truncated, damaged, or still being written");
  return {own<H5Fclose>(id, name, "cannot be opened"), name};
}

std::string File::at(std::string_view object) const { return name_ + ": " + std::string(object); }

void File::create_group(std::string_view path) {
  silence();
  const Handle group = own<H5Gclose>(H5Gcreate2(handle_.id(), zero_ended(path).c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                                     at(path), "the group cannot be made");
}

Dataset File::create_dataset(std::string_view path, Type type, const Shape& shape, const Shape& chunk, Fill fill) {
  silence();
  const std::string subject = at(path);
  const Handle file_type = library_type(type);
  const Handle space = simple_space(shape, subject);
  const Handle properties = own<H5Pclose>(H5Pcreate(H5P_DATASET_CREATE), subject, "HDF5 has no memory");
  const Handle access = own<H5Pclose>(H5Pcreate(H5P_DATASET_ACCESS), subject, "HDF5 has no memory");
  if (!chunk.empty()) {
    const std::vector<hsize_t> extents(chunk.begin(), chunk.end());
    need(H5Pset_chunk(properties.id(), static_cast<int>(extents.size()), extents.data()), subject, "cannot be chunked");
  }
  if (fill == Fill::Absent) set_fill(properties.id(), file_type.id(), type);
  H5Pset_obj_track_times(properties.id(), 0);
  const hid_t id = H5Dcreate2(handle_.id(), zero_ended(path).c_str(), file_type.id(), space.id(), H5P_DEFAULT,
                              properties.id(), access.id());
  return {own<H5Dclose>(id, subject, "the dataset cannot be made"), subject};
}

void File::link(std::string_view target, std::string_view path) {
  silence();
  need(H5Lcreate_soft(zero_ended(target).c_str(), handle_.id(), zero_ended(path).c_str(), H5P_DEFAULT, H5P_DEFAULT),
       at(path), "the link cannot be made");
}

bool File::has(std::string_view path) const {
  silence();
  // H5Lexists wants every parent to exist, so each prefix is asked in turn.
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string prefix(path.substr(0, slash));
    if (H5Lexists(handle_.id(), prefix.c_str(), H5P_DEFAULT) <= 0) return false;
    if (slash == std::string_view::npos) return true;
  }
}

Dataset File::open_dataset(std::string_view path) const {
  silence();
  if (!has(path)) fail(at(path), "is missing", "wanted a dataset of that name");
  const hid_t id = H5Dopen2(handle_.id(), zero_ended(path).c_str(), H5P_DEFAULT);
  return {own<H5Dclose>(id, at(path), "cannot be opened"), at(path)};
}

Dataset File::open_dataset(std::string_view path, Type type, const Shape& shape) const {
  Dataset dataset = open_dataset(path);
  if (dataset.type() != type)
    fail(dataset.subject(), "has type " + std::string(type_name(dataset.type())),
         "wanted " + std::string(type_name(type)));
  bool fits = shape.size() == dataset.shape().size();
  for (size_t i = 0; fits && i < shape.size(); ++i)
    fits = shape[i] == std::numeric_limits<uint64_t>::max() || shape[i] == dataset.shape()[i];
  if (!fits)
    fail(dataset.subject(), "has shape " + shape_text(dataset.shape()), "wanted " + shape_text(shape));
  return dataset;
}

void File::put_attribute(std::string_view object, std::string_view name, int64_t type, int64_t space,
                         const void* data) {
  silence();
  const std::string subject = at(object) + "@" + std::string(name);
  const std::string path(object), key(name);
  if (H5Aexists_by_name(handle_.id(), path.c_str(), key.c_str(), H5P_DEFAULT) > 0)
    need(H5Adelete_by_name(handle_.id(), path.c_str(), key.c_str(), H5P_DEFAULT), subject, "cannot be replaced");
  const Handle attribute =
      own<H5Aclose>(H5Acreate_by_name(handle_.id(), path.c_str(), key.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT,
                                      H5P_DEFAULT),
                    subject, "the attribute cannot be made");
  need(H5Awrite(attribute.id(), type, data), subject, "writing the attribute failed");
}

void File::write_attribute(std::string_view object, std::string_view name, std::string_view text) {
  const Handle type = text_type(text.size());
  const Handle space = own<H5Sclose>(H5Screate(H5S_SCALAR), at(object), "HDF5 has no memory");
  const std::string copy = text.empty() ? std::string(1, '\0') : std::string(text);
  put_attribute(object, name, type.id(), space.id(), copy.data());
}

void File::write_attribute(std::string_view object, std::string_view name, uint64_t number) {
  const Handle space = own<H5Sclose>(H5Screate(H5S_SCALAR), at(object), "HDF5 has no memory");
  put_attribute(object, name, H5T_STD_U64LE, space.id(), &number);
}

void File::write_attribute(std::string_view object, std::string_view name, double number) {
  const Handle space = own<H5Sclose>(H5Screate(H5S_SCALAR), at(object), "HDF5 has no memory");
  put_attribute(object, name, H5T_IEEE_F64LE, space.id(), &number);
}

void File::write_attribute(std::string_view object, std::string_view name,
                           std::span<const std::string_view> texts) {
  size_t longest = 1;
  for (const std::string_view text : texts) longest = std::max(longest, text.size());
  std::vector<char> cells(std::max<size_t>(texts.size(), 1) * longest, '\0');
  for (size_t i = 0; i < texts.size(); ++i) std::copy(texts[i].begin(), texts[i].end(), cells.begin() + static_cast<std::ptrdiff_t>(i * longest));
  const Handle type = text_type(longest);
  const uint64_t count[] = {texts.size()};
  const Handle space = simple_space(count, at(object));
  put_attribute(object, name, type.id(), space.id(), cells.data());
}

void File::write_attribute(std::string_view object, std::string_view name, std::span<const float> table) {
  const uint64_t count[] = {table.size()};
  const Handle space = simple_space(count, at(object));
  put_attribute(object, name, H5T_IEEE_F32LE, space.id(), table.data());
}

bool File::has_attribute(std::string_view object, std::string_view name) const {
  silence();
  return H5Aexists_by_name(handle_.id(), zero_ended(object).c_str(), zero_ended(name).c_str(), H5P_DEFAULT) > 0;
}

Handle File::open_attribute(std::string_view object, std::string_view name) const {
  const std::string subject = at(object) + "@" + std::string(name);
  if (!has_attribute(object, name)) fail(subject, "is missing", "wanted an attribute of that name");
  return own<H5Aclose>(H5Aopen_by_name(handle_.id(), zero_ended(object).c_str(), zero_ended(name).c_str(), H5P_DEFAULT,
                                       H5P_DEFAULT),
                       subject, "cannot be opened");
}

std::vector<std::string> File::texts_attribute(std::string_view object, std::string_view name) const {
  const std::string subject = at(object) + "@" + std::string(name);
  const Handle attribute = open_attribute(object, name);
  const Handle type = own<H5Tclose>(H5Aget_type(attribute.id()), subject, "its type cannot be read");
  if (H5Tget_class(type.id()) != H5T_STRING || H5Tis_variable_str(type.id()) > 0)
    fail(subject, "is not a text of fixed length", "wanted one");
  const Handle space = own<H5Sclose>(H5Aget_space(attribute.id()), subject, "its shape cannot be read");
  const auto count = static_cast<uint64_t>(std::max<hssize_t>(H5Sget_simple_extent_npoints(space.id()), 0));
  const uint64_t size = H5Tget_size(type.id());
  if (size == 0 || size > kLongestText || count > kLongestTable || size * count > kLongestText)
    fail(subject, std::to_string(count) + " texts of " + std::to_string(size) + " bytes", "wanted a short text");
  std::vector<char> cells(size * count);
  need(H5Aread(attribute.id(), type.id(), cells.data()), subject, "reading failed");
  std::vector<std::string> texts;
  for (uint64_t i = 0; i < count; ++i) {
    const char* cell = cells.data() + i * size;
    texts.emplace_back(cell, strnlen(cell, size));
  }
  return texts;
}

std::string File::text_attribute(std::string_view object, std::string_view name) const {
  const std::vector<std::string> texts = texts_attribute(object, name);
  if (texts.size() != 1)
    fail(at(object) + "@" + std::string(name), std::to_string(texts.size()) + " texts", "wanted one");
  return texts[0];
}

namespace {

// One number of any integer or float type, converted by the library.
void read_scalar(const Handle& attribute, hid_t memory_type, void* data, const std::string& subject) {
  const Handle space = own<H5Sclose>(H5Aget_space(attribute.id()), subject, "its shape cannot be read");
  const Handle type = own<H5Tclose>(H5Aget_type(attribute.id()), subject, "its type cannot be read");
  const H5T_class_t kind = H5Tget_class(type.id());
  if (H5Sget_simple_extent_npoints(space.id()) != 1 || (kind != H5T_INTEGER && kind != H5T_FLOAT))
    fail(subject, "is not a single number", "wanted one");
  need(H5Aread(attribute.id(), memory_type, data), subject, "reading failed");
}

}  // namespace

uint64_t File::count_attribute(std::string_view object, std::string_view name) const {
  uint64_t number = 0;
  read_scalar(open_attribute(object, name), H5T_NATIVE_UINT64, &number, at(object) + "@" + std::string(name));
  return number;
}

double File::real_attribute(std::string_view object, std::string_view name) const {
  double number = 0;
  read_scalar(open_attribute(object, name), H5T_NATIVE_DOUBLE, &number, at(object) + "@" + std::string(name));
  return number;
}

std::vector<float> File::table_attribute(std::string_view object, std::string_view name) const {
  const std::string subject = at(object) + "@" + std::string(name);
  const Handle attribute = open_attribute(object, name);
  const Handle space = own<H5Sclose>(H5Aget_space(attribute.id()), subject, "its shape cannot be read");
  const hssize_t count = H5Sget_simple_extent_npoints(space.id());
  if (count < 0 || static_cast<uint64_t>(count) > kLongestTable) fail(subject, "is not a table of numbers", "wanted one");
  std::vector<float> table(static_cast<size_t>(count));
  need(H5Aread(attribute.id(), H5T_NATIVE_FLOAT, table.data()), subject, "reading failed");
  return table;
}

void File::flush() {
  silence();
  need(H5Fflush(handle_.id(), H5F_SCOPE_GLOBAL), name_, "flushing failed");
}

void File::close() {
  flush();
  void* descriptor = nullptr;
  // H5Fflush hands the data to the system; only fsync puts it on the disk.
  if (H5Fget_vfd_handle(handle_.id(), H5P_DEFAULT, &descriptor) >= 0 && descriptor)
    need(fsync(*static_cast<int*>(descriptor)), name_, "syncing to the disk failed");
  handle_ = Handle();
}

void publish(const std::filesystem::path& part, const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::rename(part, path, error);
  if (error) fail(path.string(), "cannot be put in place: " + error.message(), "wanted to rename " + part.string());
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY);
  if (descriptor < 0) return;
  fsync(descriptor);
  ::close(descriptor);
}

}  // namespace dendrokv::h5
