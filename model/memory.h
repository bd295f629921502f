#pragma once
// Whether something fits into memory, asked before it is allocated.

#include <cstdint>
#include <string>

namespace dendrokv {

/// Bytes this process may use: the machine's memory, or the limit of its control groups or of its
/// address space if that is less.
uint64_t usable_memory();

/// Throws Error "subject: needs 40 GB for `what`, ..." when `bytes` are more than usable_memory().
void check_memory(const std::string& subject, const std::string& what, uint64_t bytes,
                  const std::string& remedy);

}  // namespace dendrokv
