// Tasks over MPI. Rank 0 has the counter; the others ask it for the next task and are answered with
// a number, or with -1 when none is left. A rank that stops early takes its leave instead of
// asking; when rank 0 does, it answers all with -1. Rank 0 works on tasks itself, so a thread of
// its own answers. That thread looks for questions every few milliseconds: a blocking receive of
// OpenMPI would spin on a core that a rank needs. All calls of MPI on rank 0 come from it while it
// lives (MPI_THREAD_SERIALIZED).

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mpi.h>
#include <thread>

#include "cli/task_dealer.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr int kAsk = 1, kAnswer = 2;
constexpr int64_t kNone = -1, kNext = 0, kLeave = 1;
constexpr std::chrono::milliseconds kLook{3};

class Counter {
 public:
  explicit Counter(uint64_t tasks) : tasks_(tasks) {}
  void close() { next_ = tasks_; }
  int64_t take() {
    const uint64_t task = next_++;
    return task < tasks_ ? static_cast<int64_t>(task) : kNone;
  }

 private:
  std::atomic<uint64_t> next_ = 0;
  const uint64_t tasks_;
};

class MpiDealer : public TaskDealer {
 public:
  MpiDealer(int rank, int size, uint64_t tasks) : rank_(rank), counter_(tasks), asking_(size - 1) {
    if (rank_ == 0) server_ = std::jthread([this] { answer(); });
  }

  ~MpiDealer() override {
    if (!ended_ && rank_ == 0) counter_.close();
    if (!ended_ && rank_ != 0) MPI_Send(&kLeave, 1, MPI_INT64_T, 0, kAsk, MPI_COMM_WORLD);
    if (server_.joinable()) server_.join();
    MPI_Finalize();
  }

  std::optional<uint64_t> next() override {
    if (ended_) return std::nullopt;
    const int64_t task = rank_ == 0 ? counter_.take() : ask();
    ended_ = task == kNone;
    return ended_ ? std::nullopt : std::optional<uint64_t>(static_cast<uint64_t>(task));
  }

 private:
  static int64_t ask() {
    int64_t task = kNext;
    MPI_Send(&task, 1, MPI_INT64_T, 0, kAsk, MPI_COMM_WORLD);
    MPI_Recv(&task, 1, MPI_INT64_T, 0, kAnswer, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    return task;
  }

  void answer() {
    while (asking_ > 0) {
      int there = 0;
      MPI_Status status;
      MPI_Iprobe(MPI_ANY_SOURCE, kAsk, MPI_COMM_WORLD, &there, &status);
      if (there == 0) {
        std::this_thread::sleep_for(kLook);
        continue;
      }
      int64_t asked = kNext;
      MPI_Recv(&asked, 1, MPI_INT64_T, status.MPI_SOURCE, kAsk, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
      const int64_t task = asked == kLeave ? kNone : counter_.take();
      if (task == kNone) --asking_;
      if (asked == kNext)
        MPI_Send(&task, 1, MPI_INT64_T, status.MPI_SOURCE, kAnswer, MPI_COMM_WORLD);
    }
  }

  const int rank_;
  Counter counter_;
  int asking_;  // ranks that will still ask
  bool ended_ = false;
  std::jthread server_;
};

}  // namespace

std::unique_ptr<TaskDealer> deal_by_mpi(Shard& shard, uint64_t tasks) {
  if (!shard.launched || shard.count < 2) return nullptr;
  int provided = 0, rank = 0, size = 1;
  if (MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided) != MPI_SUCCESS ||
      provided < MPI_THREAD_SERIALIZED)
    fail("MPI", "does not start with MPI_THREAD_SERIALIZED", "wanted a library that does",
         "say the shard with --shard I/N");
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (size == 1) {
    MPI_Finalize();
    fail("MPI", "one process",
         "wanted the " + std::to_string(shard.count) + " of the " + shard.origin,
         "start it with srun --mpi=pmix or mpirun, or say the shard with --shard I/N");
  }
  shard.index = static_cast<uint64_t>(rank);
  shard.count = static_cast<uint64_t>(size);
  return std::make_unique<MpiDealer>(rank, size, tasks);
}

}  // namespace dendrokv
