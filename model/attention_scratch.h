#pragma once
// What threads hold while they work on the lanes of a layer; part of model/attention.h.

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include "data/error.h"
#include "model/attention.h"

namespace dendrokv {

// Scratch of the calling thread, for a while.
class Attention::Lease {
 public:
  explicit Lease(Attention& attention) : attention_(attention) {
    const std::lock_guard lock(attention_.scratch_mutex_);
    DENDROKV_ASSERT(!attention_.scratch_.empty());
    scratch_ = std::move(attention_.scratch_.back());
    attention_.scratch_.pop_back();
  }
  ~Lease() {
    const std::lock_guard lock(attention_.scratch_mutex_);
    attention_.scratch_.push_back(std::move(scratch_));
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  Scratch& operator*() const { return *scratch_; }

 private:
  Attention& attention_;
  std::unique_ptr<Scratch> scratch_;
};

// A lane that several threads work on at one token. Scores first; whoever completes them makes
// weights of them; then sums; whoever completes those lets the policy decide.
struct Attention::CutLane {
  LaneWork work;
  std::atomic<size_t> scored = 0, summed = 0;  // pieces
  std::atomic<uint32_t> weights_ready = 0;
};

}  // namespace dendrokv
