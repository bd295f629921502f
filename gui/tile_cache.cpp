#include "gui/tile_cache.h"

#include <algorithm>

namespace dendrokv {

std::shared_ptr<const HeatTile> TileCache::find(const TileKey& key) {
  const auto place = places_.find(key);
  if (place == places_.end()) {
    ++counters_.misses;
    return nullptr;
  }
  ++counters_.hits;
  order_.splice(order_.begin(), order_, place->second);
  return *place->second;
}

void TileCache::put(std::shared_ptr<const HeatTile> tile) {
  if (const auto before = places_.find(tile->key); before != places_.end()) {
    counters_.bytes -= (*before->second)->bytes();
    order_.erase(before->second);
    places_.erase(before);
  }
  counters_.bytes += tile->bytes();
  order_.push_front(std::move(tile));
  places_[order_.front()->key] = order_.begin();
  while (counters_.bytes > most_bytes_ && order_.size() > 1) {
    counters_.bytes -= order_.back()->bytes();
    places_.erase(order_.back()->key);
    order_.pop_back();
    ++counters_.dropped;
  }
  counters_.tiles = order_.size();
}

void TileCache::clear() {
  order_.clear();
  places_.clear();
  counters_.bytes = counters_.tiles = 0;
}

void TileQueue::want(const void* client, std::vector<TileKey> keys) {
  const std::lock_guard lock(mutex_);
  std::erase_if(wishes_, [client](const Wish& wish) { return wish.client == client; });
  if (!keys.empty()) wishes_.push_front({client, std::move(keys)});
}

std::optional<TileKey> TileQueue::take() {
  const std::lock_guard lock(mutex_);
  for (const Wish& wish : wishes_)
    for (const TileKey& key : wish.keys) {
      if (std::find(taken_.begin(), taken_.end(), key) != taken_.end()) continue;
      taken_.push_back(key);
      return key;
    }
  return std::nullopt;
}

bool TileQueue::wanted(const TileKey& key) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(wishes_.begin(), wishes_.end(), [&key](const Wish& wish) {
    return std::find(wish.keys.begin(), wish.keys.end(), key) != wish.keys.end();
  });
}

void TileQueue::done(const TileKey& key) {
  const std::lock_guard lock(mutex_);
  std::erase(taken_, key);
  for (Wish& wish : wishes_) std::erase(wish.keys, key);
  std::erase_if(wishes_, [](const Wish& wish) { return wish.keys.empty(); });
}

void TileQueue::give_back(const TileKey& key) {
  const std::lock_guard lock(mutex_);
  std::erase(taken_, key);
}

void TileQueue::clear() {
  const std::lock_guard lock(mutex_);
  wishes_.clear();
  taken_.clear();
}

size_t TileQueue::waiting() const {
  const std::lock_guard lock(mutex_);
  size_t count = 0;
  for (const Wish& wish : wishes_) count += wish.keys.size();
  return count;
}

}  // namespace dendrokv
