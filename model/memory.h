#pragma once
// How much memory a run may take, asked before it is allocated.

#include <cstdint>
#include <filesystem>
#include <string>

namespace dendrokv {

/// Physical memory of the machine, or the control group's limit if that is less. `root` stands for / in tests.
uint64_t usable_memory(const std::filesystem::path& root = "/");

/// Throws Error when `bytes` are more than there is: "subject: needs 40 GB for `what`".
void check_memory(const std::string& subject, const std::string& what, uint64_t bytes,
                  const std::string& remedy);

}  // namespace dendrokv
