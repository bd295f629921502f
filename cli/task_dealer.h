#pragma once
// Which task of a list a process does next.

#include <cstdint>
#include <memory>
#include <optional>

#include "cli/shard.h"

namespace dendrokv {

class TaskDealer {
 public:
  virtual ~TaskDealer() = default;
  /// Nothing when no task is left for this process.
  virtual std::optional<uint64_t> next() = 0;
};

/// Tasks index, index + count, ... of `tasks`: known beforehand.
std::unique_ptr<TaskDealer> deal_by_turns(const Shard& shard, uint64_t tasks);

/// The tasks of a list one by one, to whichever process of an MPI job asks first. Null in a program
/// without MPI (any but dendrokv-mpi) and in one that was not started as several processes of a
/// job. `shard` gets rank and number of ranks from MPI. Throws Error when what the environment says
/// and what MPI says do not agree. One per process.
std::unique_ptr<TaskDealer> deal_by_mpi(Shard& shard, uint64_t tasks);

}  // namespace dendrokv
