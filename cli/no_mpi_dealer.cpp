// Of programs without MPI; dendrokv-mpi has mpi_dealer.cpp instead.

#include "cli/task_dealer.h"

namespace dendrokv {

std::unique_ptr<TaskDealer> deal_by_mpi(Shard&, uint64_t) {
  return nullptr;
}

}  // namespace dendrokv
