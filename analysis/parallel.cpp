#include "analysis/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace dendrokv {

void for_each_piece(size_t pieces, unsigned threads,
                    const std::function<void(size_t piece)>& body) {
  if (threads <= 1 || pieces <= 1) {
    for (size_t piece = 0; piece < pieces; ++piece) body(piece);
    return;
  }
  std::atomic<size_t> next = 0;
  std::exception_ptr error;
  std::mutex error_mutex;
  const auto work = [&] {
    try {
      for (size_t piece = next++; piece < pieces; piece = next++) body(piece);
    } catch (...) {
      const std::lock_guard lock(error_mutex);
      if (!error) error = std::current_exception();
      next = pieces;
    }
  };
  {
    std::vector<std::jthread> helpers;  // joined at the end of the block
    for (size_t helper = 1; helper < std::min<size_t>(threads, pieces); ++helper)
      helpers.emplace_back(work);
    work();
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace dendrokv
