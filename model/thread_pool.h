#pragma once
// The engine's own threads: fork-join with few barriers. Workers spin for a bounded time, then
// sleep; with more threads than usable processors they never spin.

#include <cstddef>
#include <functional>
#include <memory>

#include "model/processors.h"

namespace dendrokv {

class ThreadPool {
 public:
  explicit ThreadPool(unsigned threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  unsigned threads() const;
  // From one thread at a time, and not from inside of a body.

  /// Runs body(thread) once on each thread, the caller's included as thread 0, and returns when all
  /// are done. An exception of a body is rethrown here.
  void run(const std::function<void(unsigned thread)>& body);
  /// Runs body(first, count) over [0, items) in pieces of at most `grain` items that idle threads
  /// fetch. Does not wait for a thread that has no processor: prefer it to run(), with some pieces
  /// per thread.
  void for_each(size_t items, size_t grain,
                const std::function<void(size_t first, size_t count)>& body);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dendrokv
