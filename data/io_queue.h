#pragma once
// One thread that runs jobs in order, with a bound on the bytes that wait.

#include <cstdint>
#include <functional>
#include <memory>

namespace dendrokv {

class IoQueue {
 public:
  explicit IoQueue(uint64_t most_bytes);
  /// Runs what is queued, then ends the thread.
  ~IoQueue();
  IoQueue(const IoQueue&) = delete;
  IoQueue& operator=(const IoQueue&) = delete;

  /// The job runs once some MiB wait, or someone waits for the queue, or it ends. Blocks while more
  /// than `most_bytes` wait. After a job threw, later jobs are dropped and every call here throws
  /// that error.
  void submit(uint64_t bytes, std::function<void()> job);
  /// Waits until all jobs have run; throws what a job threw.
  void drain();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dendrokv
