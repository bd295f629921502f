#pragma once
// Tiles that were read: as many as fit into a number of bytes, those used last; and the tiles that
// somebody waits for, the newest wish first. No window.

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "gui/heat.h"

namespace dendrokv {

class TileCache {
 public:
  explicit TileCache(size_t most_bytes) : most_bytes_(most_bytes) {}

  /// Null when it is not there. What is found counts as used.
  std::shared_ptr<const HeatTile> find(const TileKey& key);
  /// The same without a trace in the counters or the order.
  bool holds(const TileKey& key) const { return places_.contains(key); }
  /// Drops what was used longest ago until it fits.
  void put(std::shared_ptr<const HeatTile> tile);
  void clear();

  struct Counters {
    uint64_t hits = 0, misses = 0, dropped = 0;
    size_t bytes = 0, tiles = 0;
  };
  const Counters& counters() const { return counters_; }

 private:
  using Order = std::list<std::shared_ptr<const HeatTile>>;  // used last first
  size_t most_bytes_;
  Order order_;
  std::map<TileKey, Order::iterator> places_;
  Counters counters_;
};

/// Wishes of views for the thread that reads. Any thread may call.
class TileQueue {
 public:
  /// Replaces what the client wished before; an empty list withdraws it. The order is that of
  /// reading.
  void want(const void* client, std::vector<TileKey> keys);
  /// The next tile to read: of the client that wished last, the first that nobody reads yet.
  std::optional<TileKey> take();
  /// Somebody still waits for the tile. What is not wanted any more need not be read to its end.
  bool wanted(const TileKey& key) const;
  /// It was read, or could not be.
  void done(const TileKey& key);
  /// It was given up; somebody may wish for it again.
  void give_back(const TileKey& key);
  void clear();
  size_t waiting() const;

 private:
  struct Wish {
    const void* client;
    std::vector<TileKey> keys;
  };
  mutable std::mutex mutex_;
  std::list<Wish> wishes_;  // newest first
  std::vector<TileKey> taken_;
};

}  // namespace dendrokv
