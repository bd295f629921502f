#include "data/hdf5_direct.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <hdf5.h>
#include <memory>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <vector>

#include "data/page_pool.h"

namespace dendrokv::h5 {
namespace {

constexpr size_t kMostGathered = size_t{8} << 20;  // whoever writes chunks settles sooner
constexpr size_t kMostPieces = 512;                // of one call; the system allows 1024
constexpr haddr_t kMostAddress = (haddr_t{1} << 62) - 1;

// The library finds the words of the system in the error stack in this form, from its own drivers
// as well.
herr_t io_failure(const char* what) {
  H5Epush2(H5E_DEFAULT, __FILE__, "direct driver", __LINE__, H5E_ERR_CLS, H5E_IO, H5E_WRITEERROR,
           "%s failed: error message = '%s'", what, std::strerror(errno));
  return -1;
}

class DirectFile {
 public:
  H5FD_t library{};  // first: the library sees a file as this

  ~DirectFile() {
    if (direct_ >= 0) ::close(direct_);
    if (cached_ >= 0) ::close(cached_);
  }

  bool open(const char* name, unsigned flags) {
    const int create = (flags & H5F_ACC_TRUNC ? O_TRUNC : 0) |
                       (flags & H5F_ACC_CREAT ? O_CREAT : 0) | (flags & H5F_ACC_EXCL ? O_EXCL : 0);
    cached_ = ::open(name, O_RDWR | O_CLOEXEC | create, 0666);
    struct stat state {};
    if (cached_ < 0 || fstat(cached_, &state) != 0) return io_failure("opening") == 0;
    device_ = state.st_dev;
    inode_ = state.st_ino;
    eof_ = static_cast<haddr_t>(state.st_size);
    direct_ = ::open(name, O_WRONLY | O_CLOEXEC | O_DIRECT);
    return true;
  }

  int compare(const DirectFile& other) const {
    if (device_ != other.device_) return device_ < other.device_ ? -1 : 1;
    return inode_ == other.inode_ ? 0 : inode_ < other.inode_ ? -1 : 1;
  }

  herr_t read(haddr_t address, size_t size, void* buffer) {
    if (touches_gathered(address, size) && settle() < 0) return -1;
    auto* to = static_cast<std::byte*>(buffer);
    while (size > 0) {
      const ssize_t got = ::pread(cached_, to, size, static_cast<off_t>(address));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return io_failure("reading");
      if (got == 0) {  // space that the library has allocated and not yet written
        std::memset(to, 0, size);
        return 0;
      }
      to += got;
      size -= static_cast<size_t>(got);
      address += static_cast<haddr_t>(got);
    }
    return 0;
  }

  herr_t write(haddr_t address, size_t size, const void* buffer) {
    if (address + size > eoa) return io_failure("writing past the end");
    eof_ = std::max(eof_, address + size);
    if (is_for_direct(address, size, buffer)) return gather(address, size, buffer);
    if (touches_gathered(address, size) && settle() < 0) return -1;
    return write_cached(address, size, static_cast<const std::byte*>(buffer));
  }

  herr_t settle() {
    std::vector<iovec> pieces = std::move(pieces_);
    pieces_.clear();
    haddr_t address = gathered_at_;
    gathered_ = 0;
    for (size_t first = 0; first < pieces.size();) {
      const ssize_t put =
          ::pwritev(direct_, pieces.data() + first, static_cast<int>(pieces.size() - first),
                    static_cast<off_t>(address));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0 && errno == EINVAL)
        return write_cached(address, std::span(pieces).subspan(first));
      if (put < 0) return io_failure("writing");
      address += static_cast<haddr_t>(put);
      first = skip(pieces, first, static_cast<size_t>(put));
    }
    return 0;
  }

  herr_t truncate() {
    if (settle() < 0) return -1;
    if (eoa == eof_) return 0;
    if (::ftruncate(cached_, static_cast<off_t>(eoa)) != 0) return io_failure("setting the size");
    eof_ = eoa;
    return 0;
  }

  herr_t lock(int how) {
    if (::flock(cached_, how | LOCK_NB) == 0 || errno == ENOSYS) return 0;
    return io_failure("locking");
  }

  haddr_t eof() const { return eof_; }
  haddr_t eoa = 0;

 private:
  bool is_for_direct(haddr_t address, size_t size, const void* buffer) const {
    return direct_ >= 0 && size % kPageBytes == 0 && address % kPageBytes == 0 &&
           reinterpret_cast<uintptr_t>(buffer) % kPageBytes == 0;
  }

  bool touches_gathered(haddr_t address, size_t size) const {
    return gathered_ > 0 && address < gathered_at_ + gathered_ && gathered_at_ < address + size;
  }

  herr_t gather(haddr_t address, size_t size, const void* buffer) {
    const bool follows = gathered_ > 0 && address == gathered_at_ + gathered_;
    if (gathered_ > 0 &&
        (!follows || pieces_.size() == kMostPieces || gathered_ + size > kMostGathered))
      if (settle() < 0) return -1;
    if (gathered_ == 0) gathered_at_ = address;
    add_piece(const_cast<void*>(buffer), size);
    gathered_ += size;
    return 0;
  }

  // The system looks up the pages of each piece anew, and gives the disk a request of its own for
  // every few hundred.
  void add_piece(void* buffer, size_t size) {
    const auto* end =
        pieces_.empty() ? nullptr
                        : static_cast<std::byte*>(pieces_.back().iov_base) + pieces_.back().iov_len;
    if (end == buffer)
      pieces_.back().iov_len += size;
    else
      pieces_.push_back({buffer, size});
  }

  /// The first piece that is not wholly among `put` bytes from `first` on; cuts off what is.
  static size_t skip(std::vector<iovec>& pieces, size_t first, size_t put) {
    while (first < pieces.size() && put >= pieces[first].iov_len) put -= pieces[first++].iov_len;
    if (put == 0) return first;
    pieces[first].iov_base = static_cast<std::byte*>(pieces[first].iov_base) + put;
    pieces[first].iov_len -= put;
    return first;
  }

  herr_t write_cached(haddr_t address, size_t size, const std::byte* from) {
    while (size > 0) {
      const ssize_t put = ::pwrite(cached_, from, size, static_cast<off_t>(address));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return io_failure("writing");
      from += put;
      size -= static_cast<size_t>(put);
      address += static_cast<haddr_t>(put);
    }
    return 0;
  }

  herr_t write_cached(haddr_t address, std::span<const iovec> pieces) {
    for (const iovec& piece : pieces) {
      if (write_cached(address, piece.iov_len, static_cast<const std::byte*>(piece.iov_base)) < 0)
        return -1;
      address += piece.iov_len;
    }
    return 0;
  }

  int cached_ = -1, direct_ = -1;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  haddr_t eof_ = 0;
  haddr_t gathered_at_ = 0;
  size_t gathered_ = 0;
  std::vector<iovec> pieces_;  // one after the other from gathered_at_ on
};

DirectFile& file_of(H5FD_t* file) {
  return *reinterpret_cast<DirectFile*>(file);
}
const DirectFile& file_of(const H5FD_t* file) {
  return *reinterpret_cast<const DirectFile*>(file);
}

H5FD_t* open_file(const char* name, unsigned flags, hid_t, haddr_t) {
  auto file = std::make_unique<DirectFile>();
  if (!file->open(name, flags)) return nullptr;
  return &file.release()->library;
}

herr_t close_file(H5FD_t* file) {
  const std::unique_ptr<DirectFile> owner(&file_of(file));
  return owner->settle();
}

herr_t query(const H5FD_t*, unsigned long* flags) {
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
           H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

const H5FD_class_t& driver_class() {
  static const H5FD_class_t driver = [] {
    H5FD_class_t made{};
    made.name = "dendrokv-direct";
    made.maxaddr = kMostAddress;
    made.fc_degree = H5F_CLOSE_STRONG;
    made.open = open_file;
    made.close = close_file;
    made.cmp = [](const H5FD_t* a, const H5FD_t* b) { return file_of(a).compare(file_of(b)); };
    made.query = query;
    made.get_eoa = [](const H5FD_t* file, H5FD_mem_t) { return file_of(file).eoa; };
    made.set_eoa = [](H5FD_t* file, H5FD_mem_t, haddr_t address) {
      file_of(file).eoa = address;
      return herr_t{0};
    };
    made.get_eof = [](const H5FD_t* file, H5FD_mem_t) { return file_of(file).eof(); };
    made.get_handle = [](H5FD_t* file, hid_t, void** handle) {
      *handle = file;
      return herr_t{0};
    };
    made.read = [](H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, size_t size, void* buffer) {
      return file_of(file).read(address, size, buffer);
    };
    made.write = [](H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, size_t size,
                    const void* buffer) { return file_of(file).write(address, size, buffer); };
    made.flush = [](H5FD_t* file, hid_t, hbool_t) { return file_of(file).settle(); };
    made.truncate = [](H5FD_t* file, hid_t, hbool_t) { return file_of(file).truncate(); };
    made.lock = [](H5FD_t* file, hbool_t write) {
      return file_of(file).lock(write ? LOCK_EX : LOCK_SH);
    };
    made.unlock = [](H5FD_t* file) { return file_of(file).lock(LOCK_UN); };
    // Chunks apart from metadata, so that they follow each other.
    const H5FD_mem_t separate[] = H5FD_FLMAP_DICHOTOMY;
    std::copy(std::begin(separate), std::end(separate), std::begin(made.fl_map));
    return made;
  }();
  return driver;
}

}  // namespace

void use_direct_driver(const Handle& access, const std::string& subject) {
  static const hid_t driver = H5FDregister(&driver_class());
  need(H5Pset_driver(access.id(), driver, nullptr), subject, "cannot be set up");
  need(H5Pset_alignment(access.id(), kPageBytes, kPageBytes), subject, "cannot be set up");
}

void settle_direct(int64_t file, const std::string& subject) {
  H5Eclear2(H5E_DEFAULT);  // else an old failure would lend its words to ours
  void* handle = nullptr;
  need(H5Fget_vfd_handle(file, H5P_DEFAULT, &handle), subject, "cannot be written");
  need(file_of(static_cast<H5FD_t*>(handle)).settle(), subject, "writing failed");
}

}  // namespace dendrokv::h5
