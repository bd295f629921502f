// In a build without MPI.

#include "cli/task_dealer.h"

namespace dendrokv {

std::unique_ptr<TaskDealer> deal_by_mpi(Shard&, uint64_t) {
  return nullptr;
}

}  // namespace dendrokv
