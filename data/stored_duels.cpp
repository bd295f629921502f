#include "data/stored_duels.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <unistd.h>

#include "data/error.h"

namespace dendrokv {
namespace {

/// One of the arrays.
struct StoredArray {
  h5::Dataset::ChunkPlaces places;
  size_t element_bytes = 0;
};

class StoredDuels : public DuelSource {
 public:
  StoredDuels(const h5::File& file, std::string group, const h5::Shape& shape)
      : subject_(file.name() + ": " + std::move(group)), shape_(shape) {
    const std::filesystem::path path = h5::place_of(file.name()).file;
    file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file_ < 0) fail(path.string(), std::strerror(errno), "wanted a readable file");
  }
  ~StoredDuels() override { ::close(file_); }
  StoredDuels(const StoredDuels&) = delete;
  StoredDuels& operator=(const StoredDuels&) = delete;

  /// False when an array is stored in another way.
  bool find(const h5::File& file, const std::string& group) {
    return find(file, group + "/rival", h5::Type::I32, rival_) &&
           find(file, group + "/score", h5::Type::F32, score_) &&
           find(file, group + "/rival_score", h5::Type::F32, rival_score_) &&
           find(file, group + "/reason", h5::Type::U8, reason_);
  }

  LaneDuels read(Layer layer, Lane lane) const override {
    constexpr float kNothing = std::numeric_limits<float>::quiet_NaN();
    const size_t place = layer.index() * shape_[1] + lane.index();
    LaneDuels duels{std::vector<int32_t>(shape_[2], -1), std::vector<float>(shape_[2], kNothing),
                    std::vector<float>(shape_[2], kNothing), std::vector<uint8_t>(shape_[2])};
    read(rival_, place, duels.rival.data());
    read(score_, place, duels.score.data());
    read(rival_score_, place, duels.rival_score.data());
    read(reason_, place, duels.reason.data());
    return duels;
  }

 private:
  bool find(const h5::File& file, const std::string& path, h5::Type type, StoredArray& array) {
    const h5::Dataset dataset = file.open_dataset(path, type, shape_);
    auto places = dataset.chunk_places();
    if (!places || places->packed || places->chunk[0] != 1 || places->chunk[1] != 1) return false;
    array = {std::move(*places), h5::type_bytes(type)};
    return true;
  }

  /// What was never written stays as it is in `row`.
  void read(const StoredArray& array, size_t lane, void* row) const {
    const size_t chunk = array.places.chunk[2];
    const size_t chunks = (shape_[2] + chunk - 1) / chunk;
    auto* const bytes = static_cast<std::byte*>(row);
    for (size_t c = 0; c < chunks; ++c) {
      const uint64_t address = array.places.address[lane * chunks + c];
      const size_t count = std::min<size_t>(chunk, shape_[2] - c * chunk);
      if (address != h5::Dataset::kNowhere)
        read(address, {bytes + c * chunk * array.element_bytes, count * array.element_bytes});
    }
  }

  void read(uint64_t address, std::span<std::byte> bytes) const {
    while (!bytes.empty()) {
      const ssize_t got = ::pread(file_, bytes.data(), bytes.size(), static_cast<off_t>(address));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0)
        fail(subject_, got < 0 ? std::strerror(errno) : "ends before its record does",
             "wanted a whole file");
      bytes = bytes.subspan(static_cast<size_t>(got));
      address += static_cast<uint64_t>(got);
    }
  }

  std::string subject_;
  h5::Shape shape_;
  int file_ = -1;
  StoredArray rival_, score_, rival_score_, reason_;
};

}  // namespace

std::shared_ptr<const DuelSource> stored_duels(const h5::File& file, const std::string& group,
                                               const h5::Shape& shape) {
  auto stored = std::make_shared<StoredDuels>(file, group, shape);
  if (!stored->find(file, group)) return nullptr;
  return stored;
}

}  // namespace dendrokv
