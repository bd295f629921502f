#include "data/hdf5_patient.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <hdf5.h>
#include <memory>
#include <optional>
#include <unistd.h>

namespace dendrokv::h5 {
namespace {

constexpr haddr_t kMostAddress = (haddr_t{1} << 62) - 1;
// Superblock of version 2 and 3 with offsets of 8 bytes (HDF5 file format specification, II.A).
constexpr size_t kSuperblock = 48, kVersionAt = 8, kFlagsAt = 11, kChecksumAt = 44;

uint32_t word_at(const uint8_t* bytes) {
  uint32_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

/// Jenkins' lookup3 (hashlittle, 2006) of the superblock up to its checksum: three blocks of twelve
/// bytes, and eight more.
uint32_t superblock_checksum(const uint8_t* bytes) {
  uint32_t a = 0xdeadbeef + kChecksumAt, b = a, c = a;
  for (size_t at = 0; at + 12 < kChecksumAt; at += 12) {
    a += word_at(bytes + at);
    b += word_at(bytes + at + 4);
    c += word_at(bytes + at + 8);
    a = (a - c) ^ std::rotl(c, 4), c += b;
    b = (b - a) ^ std::rotl(a, 6), a += c;
    c = (c - b) ^ std::rotl(b, 8), b += a;
    a = (a - c) ^ std::rotl(c, 16), c += b;
    b = (b - a) ^ std::rotl(a, 19), a += c;
    c = (c - b) ^ std::rotl(b, 4), b += a;
  }
  a += word_at(bytes + 36);
  b += word_at(bytes + 40);
  c = (c ^ b) - std::rotl(b, 14);
  a = (a ^ c) - std::rotl(c, 11);
  b = (b ^ a) - std::rotl(a, 25);
  c = (c ^ b) - std::rotl(b, 16);
  a = (a ^ c) - std::rotl(c, 4);
  b = (b ^ a) - std::rotl(a, 14);
  c = (c ^ b) - std::rotl(b, 24);
  return c;
}

class PatientFile {
 public:
  H5FD_t library{};  // first: the library sees a file as this
  haddr_t eoa = 0;

  ~PatientFile() {
    if (file_ >= 0) ::close(file_);
  }
  bool open(const char* name) {
    file_ = ::open(name, O_RDONLY | O_CLOEXEC);
    return file_ >= 0;
  }
  /// One file opened twice is two: each reader sees it as it was when it came.
  int compare(const PatientFile& other) const { return this < &other ? -1 : this > &other; }

  herr_t read(haddr_t address, size_t size, void* buffer) const {
    auto* to = static_cast<uint8_t*>(buffer);
    size_t got = 0;
    while (got < size) {
      const ssize_t more = ::pread(file_, to + got, size - got, static_cast<off_t>(address + got));
      if (more < 0 && errno == EINTR) continue;
      if (more <= 0) return -1;
      got += static_cast<size_t>(more);
    }
    if (address == 0 && size >= kSuperblock) unmark(to);
    return 0;
  }

 private:
  // The library reads the start of the block first, to learn its length, and then all of it.
  static void unmark(uint8_t* superblock) {
    const bool ours = superblock[kVersionAt] >= 2 && superblock[kVersionAt] <= 3 &&
                      superblock[kVersionAt + 1] == 8;
    if (!ours || superblock[kFlagsAt] == 0) return;
    if (word_at(superblock + kChecksumAt) != superblock_checksum(superblock)) return;  // damaged
    superblock[kFlagsAt] = 0;
    const uint32_t checksum = superblock_checksum(superblock);
    std::memcpy(superblock + kChecksumAt, &checksum, sizeof checksum);
  }

  int file_ = -1;
};

PatientFile& file_of(H5FD_t* file) {
  return *reinterpret_cast<PatientFile*>(file);
}
const PatientFile& file_of(const H5FD_t* file) {
  return *reinterpret_cast<const PatientFile*>(file);
}

const H5FD_class_t& driver_class() {
  static const H5FD_class_t driver = [] {
    H5FD_class_t made{};
    made.name = "dendrokv-patient";
    made.maxaddr = kMostAddress;
    made.fc_degree = H5F_CLOSE_STRONG;
    made.open = [](const char* name, unsigned, hid_t, haddr_t) -> H5FD_t* {
      auto file = std::make_unique<PatientFile>();
      return file->open(name) ? &file.release()->library : nullptr;
    };
    made.close = [](H5FD_t* file) {
      delete &file_of(file);
      return herr_t{0};
    };
    made.cmp = [](const H5FD_t* a, const H5FD_t* b) { return file_of(a).compare(file_of(b)); };
    made.query = [](const H5FD_t*, unsigned long* flags) {
      *flags = H5FD_FEAT_DATA_SIEVE | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
      return herr_t{0};
    };
    made.get_eoa = [](const H5FD_t* file, H5FD_mem_t) { return file_of(file).eoa; };
    made.set_eoa = [](H5FD_t* file, H5FD_mem_t, haddr_t address) {
      file_of(file).eoa = address;
      return herr_t{0};
    };
    made.get_eof = [](const H5FD_t*, H5FD_mem_t) { return kMostAddress; };
    made.read = [](H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, size_t size, void* buffer) {
      return file_of(file).read(address, size, buffer);
    };
    made.write = [](H5FD_t*, H5FD_mem_t, hid_t, haddr_t, size_t, const void*) {
      return herr_t{-1};
    };
    const H5FD_mem_t same[] = H5FD_FLMAP_DEFAULT;
    std::copy(std::begin(same), std::end(same), std::begin(made.fl_map));
    return made;
  }();
  return driver;
}

/// Where the address of the end stands in a superblock (HDF5 file format specification, II.A), by
/// its version.
std::optional<size_t> place_of_end(const uint8_t* superblock) {
  static constexpr uint8_t kSignature[] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  constexpr size_t kPlaces[] = {40, 44, 28, 28};
  if (std::memcmp(superblock, kSignature, sizeof kSignature) != 0) return std::nullopt;
  const uint8_t version = superblock[kVersionAt];
  if (version >= std::size(kPlaces) || superblock[version < 2 ? 13 : 9] != 8) return std::nullopt;
  return kPlaces[version];
}

}  // namespace

std::optional<LostEnd> lost_end(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return std::nullopt;  // a pipe would wait
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  LostEnd end{file ? static_cast<uint64_t>(file.tellg()) : 0, 0};
  uint8_t superblock[64];
  if (end.bytes < sizeof superblock) return std::nullopt;
  file.seekg(0);
  if (!file.read(reinterpret_cast<char*>(superblock), sizeof superblock)) return std::nullopt;
  const std::optional<size_t> place = place_of_end(superblock);
  if (!place) return std::nullopt;
  std::memcpy(&end.wanted, superblock + *place, sizeof end.wanted);
  if (end.wanted <= end.bytes || end.wanted == UINT64_MAX) return std::nullopt;
  return end;
}

void use_patient_driver(const Handle& access, const std::string& subject) {
  static const hid_t driver = H5FDregister(&driver_class());
  need(H5Pset_driver(access.id(), driver, nullptr), subject, "cannot be set up");
}

}  // namespace dendrokv::h5
