#pragma once
// HDF5 (C library 1.10): each call that we use wrapped once; every failure names the file and the
// object. The library's header stays in hdf5*.cpp. A File and what was opened from it belong to one
// thread at a time.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/error.h"

namespace dendrokv::h5 {

/// Element types that our files use; all little-endian.
enum class Type : uint8_t { U8, I32, U64, F16, F32, F64, U32, U16 };
size_t type_bytes(Type type);
std::string_view type_name(Type type);

/// What a cell reads as that was never written: zero, or "absent" (NaN; -1 for I32; 0 for the
/// unsigned).
enum class Fill : uint8_t { Zero, Absent };

using Shape = std::vector<uint64_t>;
std::string shape_text(std::span<const uint64_t> shape);  // "[30, 9, 512]"

/// Owner of one library handle.
class Handle {
 public:
  Handle() = default;
  Handle(int64_t id, int (*closer)(int64_t)) : id_(id), close_(closer) {}
  ~Handle();
  Handle(Handle&& other) noexcept;
  Handle& operator=(Handle&& other) noexcept;
  int64_t id() const { return id_; }
  /// Negative when the library could not; the handle is gone either way.
  int close();

 private:
  int64_t id_ = -1;
  int (*close_)(int64_t) = nullptr;
};

/// Bytes that Dataset::read() has handed out in this process, all files together.
uint64_t bytes_read();

class Dataset {
 public:
  /// Throws Error: a type or rank that we do not use, data outside of the file, more elements than
  /// can be counted.
  Dataset(Handle handle, std::string subject);

  const std::string& subject() const { return subject_; }  // "file.h5: /tokens/id"
  Type type() const { return type_; }
  const Shape& shape() const { return shape_; }
  uint64_t elements() const { return elements_; }

  /// The whole dataset; `data` holds elements() values of type().
  void write(const void* data);
  /// A box of it, row-major.
  void write(std::span<const uint64_t> start, std::span<const uint64_t> count, const void* data);
  /// One whole chunk past all conversion; `start` is its first element, `bytes` its full size.
  void write_chunk(std::span<const uint64_t> start, std::span<const std::byte> bytes);
  void read(void* data) const;
  void read(std::span<const uint64_t> start, std::span<const uint64_t> count, void* data) const;

  /// Where chunks lie in the file, [chunk of the shape, row-major]; kNowhere = it was never
  /// written. Nothing for a dataset that is not in chunks. What is stored as it is, not packed, may
  /// be read without the library.
  struct ChunkPlaces {
    Shape chunk;
    std::vector<uint64_t> address, bytes;
    bool packed = false;
  };
  static constexpr uint64_t kNowhere = UINT64_MAX;
  std::optional<ChunkPlaces> chunk_places() const;

  /// All elements. Throws Error before it allocates when the file does not hold as much data as the
  /// shape promises.
  template <class T>
  std::vector<T> read_all() const {
    DENDROKV_ASSERT(sizeof(T) == type_bytes(type_));
    check_stored();
    std::vector<T> values(elements_);
    if (!values.empty()) read(values.data());
    return values;
  }

 private:
  void check_layout();
  void check_stored() const;
  Handle handle_;
  std::string subject_;
  Type type_ = Type::U8;
  Shape shape_;
  uint64_t elements_ = 1;
  bool filtered_ = false;
};

/// A file, and a group in it whose members are read as if it were the whole file.
struct Place {
  std::filesystem::path file;
  std::string group;  // "item/3"; empty = all of the file
};
/// "set.h5/item/3" is group item/3 of set.h5, where that is a file; any other path is a file as it
/// stands.
Place place_of(const std::filesystem::path& path);

/// Direct: whole chunks of whole pages go past the page cache, several at once; what write_chunk()
/// got must stay as it is until the next settle(), flush() or close().
enum class Writing : uint8_t { Cached, Direct };

enum class Reading : uint8_t { Strict, Patient };

class File {
 public:
  /// Replaces an existing file. Throws Error.
  static File create(const std::filesystem::path& path, Writing writing = Writing::Cached);
  /// Read-only, without locks and plug-ins; `path` may be a place within a file. Throws Error:
  /// missing, not HDF5, truncated, being written, no such group. Reading::Patient takes what is
  /// truncated or being written: reading what is not there throws then.
  static File open(const std::filesystem::path& path, Reading reading = Reading::Strict);

  const std::string& name() const { return name_; }

  void create_group(std::string_view path);
  /// An empty `chunk` means contiguous. A chunk is no larger than the shape.
  Dataset create_dataset(std::string_view path, Type type, const Shape& shape, const Shape& chunk,
                         Fill fill);
  /// A list of texts of one fixed length (UTF-8), as a dataset.
  void write_texts(std::string_view path, std::span<const std::string> texts);
  std::vector<std::string> read_texts(std::string_view path) const;
  /// Copies all of `source`, attributes too, into a group that is made for it at `path`.
  void copy_from(const File& source, std::string_view path);
  void link(std::string_view target, std::string_view path);  // a soft link at `path`
  bool has(std::string_view path) const;
  /// Throws Error when it is missing, of another type, or of another shape; UINT64_MAX in `shape`
  /// fits any extent.
  Dataset open_dataset(std::string_view path, Type type, const Shape& shape) const;
  Dataset open_dataset(std::string_view path) const;

  /// Attributes of the object at `object` ("/" for the root). Writing replaces the value of an
  /// existing one.
  void write_attribute(std::string_view object, std::string_view name, std::string_view text);
  void write_attribute(std::string_view object, std::string_view name, uint64_t number);
  void write_attribute(std::string_view object, std::string_view name, double number);
  void write_attribute(std::string_view object, std::string_view name,
                       std::span<const std::string_view> texts);
  void write_attribute(std::string_view object, std::string_view name,
                       std::span<const float> table);
  bool has_attribute(std::string_view object, std::string_view name) const;
  std::string text_attribute(std::string_view object, std::string_view name) const;
  uint64_t count_attribute(std::string_view object, std::string_view name) const;
  double real_attribute(std::string_view object, std::string_view name) const;
  std::vector<std::string> texts_attribute(std::string_view object, std::string_view name) const;
  std::vector<float> table_attribute(std::string_view object, std::string_view name) const;

  /// Writes the chunks that Writing::Direct has gathered.
  void settle();
  /// Hands everything to the system: a reader of the file sees it, a power failure may lose it.
  void flush();
  /// flush(), and then to the disk.
  void sync();
  /// Closes, then syncs to the disk; the file must not be used any more.
  void close();

 private:
  File(Handle handle, std::string name, Writing writing = Writing::Cached);
  std::string at(std::string_view object) const;
  int64_t base() const { return group_.id() >= 0 ? group_.id() : handle_.id(); }
  /// Its members are read as the file's from now on; `name` is that of the place.
  void stand_for_group(const std::string& group, const std::string& name);
  /// The name of an object for the library: relative where a group stands for the file.
  std::string local(std::string_view path) const;
  Handle open_attribute(std::string_view object, std::string_view name) const;
  void put_attribute(std::string_view object, std::string_view name, int64_t type, int64_t space,
                     const void* data);
  Handle handle_;
  Handle group_;  // that stands for the whole file; none = all of it
  std::string name_;
  Writing writing_;
};

/// How much of a file there is, where its head says that there was more: it was cut.
struct LostEnd {
  uint64_t bytes = 0, wanted = 0;
};
std::optional<LostEnd> lost_end(const std::filesystem::path& path);

/// A file whose writer died says in its head that it is still being written; takes that back.
/// Throws Error.
void forget_open_writer(const std::filesystem::path& path);

/// Renames `part` to `path` and syncs the folder. Throws Error.
void publish(const std::filesystem::path& part, const std::filesystem::path& path);

}  // namespace dendrokv::h5
