// A dataset: its type, shape and layout, and its cells, as a whole, by boxes or by chunks.

#include <algorithm>
#include <atomic>
#include <hdf5.h>

#include "data/error.h"
#include "data/hdf5_library.h"

namespace dendrokv::h5 {
namespace {

std::atomic<uint64_t> bytes_so_far{0};

constexpr uint64_t kMostElements = uint64_t{1} << 56;
// deflate packs at most 1032 : 1.
constexpr uint64_t kMostPacking = 1032;

struct Box {
  Handle file, memory;
};

Box select(hid_t dataset, std::span<const uint64_t> start, std::span<const uint64_t> count,
           const std::string& subject) {
  Box box{own<H5Sclose>(H5Dget_space(dataset), subject, "its shape cannot be read"),
          simple_space(count, subject)};
  const std::vector<hsize_t> first(start.begin(), start.end()), size(count.begin(), count.end());
  need(H5Sselect_hyperslab(box.file.id(), H5S_SELECT_SET, first.data(), nullptr, size.data(),
                           nullptr),
       subject, "a box of it cannot be selected");
  return box;
}

}  // namespace

std::string shape_text(std::span<const uint64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

Dataset::Dataset(Handle handle, std::string subject)
    : handle_(std::move(handle)), subject_(std::move(subject)) {
  const Handle type = own<H5Tclose>(H5Dget_type(handle_.id()), subject_, "its type cannot be read");
  type_ = our_type(type.id(), subject_);
  const Handle space =
      own<H5Sclose>(H5Dget_space(handle_.id()), subject_, "its shape cannot be read");
  const int rank = H5Sget_simple_extent_ndims(space.id());
  need(rank, subject_, "its rank cannot be read");
  std::vector<hsize_t> extents(static_cast<size_t>(rank));
  need(H5Sget_simple_extent_dims(space.id(), extents.data(), nullptr), subject_,
       "its shape cannot be read");
  shape_.assign(extents.begin(), extents.end());
  for (const uint64_t extent : shape_) {
    if (extent > 0 && elements_ > kMostElements / extent)
      fail(subject_, "has shape " + shape_text(shape_), "wanted fewer elements");
    elements_ *= extent;
  }
  check_layout();
}

// A file that names other files as its storage could make us read anything on this machine.
void Dataset::check_layout() {
  const Handle properties =
      own<H5Pclose>(H5Dget_create_plist(handle_.id()), subject_, "its layout cannot be read");
  const H5D_layout_t layout = H5Pget_layout(properties.id());
  need(layout, subject_, "its layout cannot be read");
  if (layout == H5D_VIRTUAL || H5Pget_external_count(properties.id()) != 0)
    fail(subject_, "keeps its data in other files", "wanted all data in this one");
  filtered_ = H5Pget_nfilters(properties.id()) > 0;
}

std::optional<Dataset::ChunkPlaces> Dataset::chunk_places() const {
  quieten();
  const Handle properties =
      own<H5Pclose>(H5Dget_create_plist(handle_.id()), subject_, "its layout cannot be read");
  if (H5Pget_layout(properties.id()) != H5D_CHUNKED) return std::nullopt;
  ChunkPlaces places;
  places.packed = filtered_;
  std::vector<hsize_t> chunk(shape_.size());
  need(H5Pget_chunk(properties.id(), static_cast<int>(chunk.size()), chunk.data()), subject_,
       "its layout cannot be read");
  places.chunk.assign(chunk.begin(), chunk.end());
  std::vector<hsize_t> at(shape_.size());
  for (bool more = elements_ > 0; more;) {
    unsigned filters = 0;
    haddr_t address = HADDR_UNDEF;
    hsize_t bytes = 0;
    need(H5Dget_chunk_info_by_coord(handle_.id(), at.data(), &filters, &address, &bytes), subject_,
         "its chunks cannot be found");
    places.address.push_back(address == HADDR_UNDEF ? kNowhere : address);
    places.bytes.push_back(address == HADDR_UNDEF ? 0 : bytes);
    more = false;
    for (size_t axis = at.size(); axis-- > 0 && !more;) {
      at[axis] += chunk[axis];
      more = at[axis] < shape_[axis];
      if (!more) at[axis] = 0;
    }
  }
  return places;
}

void Dataset::check_stored() const {
  const Handle file = own<H5Fclose>(H5Iget_file_id(handle_.id()), subject_, "its file is closed");
  hsize_t file_bytes = 0;
  need(H5Fget_filesize(file.id(), &file_bytes), subject_, "the size of its file cannot be read");
  const uint64_t stored = H5Dget_storage_size(handle_.id());
  const uint64_t packing = filtered_ ? kMostPacking : 1;
  if (stored > file_bytes || elements_ * type_bytes(type_) > stored * packing)
    fail(subject_, std::to_string(stored) + " bytes stored for shape " + shape_text(shape_),
         "wanted a dataset that was written as a whole");
}

void Dataset::write(const void* data) {
  quieten();
  need(H5Dwrite(handle_.id(), library_type(type_).id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, data),
       subject_, "writing failed");
}

void Dataset::write(std::span<const uint64_t> start, std::span<const uint64_t> count,
                    const void* data) {
  quieten();
  const Box box = select(handle_.id(), start, count, subject_);
  need(H5Dwrite(handle_.id(), library_type(type_).id(), box.memory.id(), box.file.id(), H5P_DEFAULT,
                data),
       subject_, "writing failed");
}

void Dataset::write_chunk(std::span<const uint64_t> start, std::span<const std::byte> bytes) {
  quieten();
  hsize_t first[H5S_MAX_RANK];
  std::ranges::copy(start, first);
  need(H5Dwrite_chunk(handle_.id(), H5P_DEFAULT, 0, first, bytes.size(), bytes.data()), subject_,
       "writing a chunk failed");
}

uint64_t bytes_read() {
  return bytes_so_far.load(std::memory_order_relaxed);
}

void Dataset::read(void* data) const {
  quieten();
  bytes_so_far += elements_ * type_bytes(type_);
  need(H5Dread(handle_.id(), library_type(type_).id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, data),
       subject_, "reading failed");
}

void Dataset::read(std::span<const uint64_t> start, std::span<const uint64_t> count,
                   void* data) const {
  quieten();
  uint64_t cells = 1;
  for (const uint64_t cell_count : count) cells *= cell_count;
  bytes_so_far += cells * type_bytes(type_);
  const Box box = select(handle_.id(), start, count, subject_);
  need(H5Dread(handle_.id(), library_type(type_).id(), box.memory.id(), box.file.id(), H5P_DEFAULT,
               data),
       subject_, "reading failed");
}

}  // namespace dendrokv::h5
