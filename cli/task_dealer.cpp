#include "cli/task_dealer.h"

namespace dendrokv {
namespace {

class Turns : public TaskDealer {
 public:
  Turns(const Shard& shard, uint64_t tasks)
      : next_(shard.index), stride_(shard.count), tasks_(tasks) {}
  std::optional<uint64_t> next() override {
    if (next_ >= tasks_) return std::nullopt;
    const uint64_t task = next_;
    next_ += stride_;
    return task;
  }

 private:
  uint64_t next_;
  const uint64_t stride_, tasks_;
};

}  // namespace

std::unique_ptr<TaskDealer> deal_by_turns(const Shard& shard, uint64_t tasks) {
  return std::make_unique<Turns>(shard, tasks);
}

}  // namespace dendrokv
