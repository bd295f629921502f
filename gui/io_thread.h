#pragma once
// The one thread that reads files. Jobs are kept by topic: a newer job of a topic replaces the one
// that waits and makes the one that runs stale, so a storm of requests costs one read.

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace dendrokv {

/// In order of urgency.
enum class Topic : uint8_t { Open, Row, Heat, Map, Rank, Index };
inline constexpr size_t kTopics = 6;

class IoThread {
 public:
  /// True once nobody wants the result any more: a newer job of the topic, or the end.
  using Stale = std::function<bool()>;
  using Job = std::function<void(const Stale&)>;

  IoThread();
  ~IoThread();  // makes the running job stale and waits for it
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  /// Any thread may call. A job must not throw.
  void post(Topic topic, Job job);
  /// From within a long job of `topic`: runs what is more urgent and waits.
  void serve(Topic topic);

 private:
  struct Slot {
    std::optional<Job> waiting;
    uint64_t newest = 0;
  };
  void run();
  /// Of the first `end` topics.
  std::optional<size_t> most_urgent(size_t end) const;
  void run_job(size_t topic, std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::array<Slot, kTopics> slots_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace dendrokv
