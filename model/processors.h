#pragma once
// How many processors the engine should use, and how much memory its control groups leave it.

#include <filesystem>
#include <optional>
#include <span>

namespace dendrokv {

/// Physical cores in the affinity mask, capped by the cgroup quota rounded down; at least 1.
unsigned usable_cores();

// Its two halves. `root` is where the system's /proc and /sys are looked for.

/// Cores that the given logical processors belong to; siblings of one core count once. A processor
/// of unknown topology is a core.
unsigned physical_cores(std::span<const unsigned> processors, const std::filesystem::path& root);
/// Processors' worth of time that the control groups of this process leave it, the tightest of all
/// levels; none without a limit.
std::optional<double> processor_quota(const std::filesystem::path& root);
/// Bytes of memory that they leave it.
std::optional<double> memory_quota(const std::filesystem::path& root);

}  // namespace dendrokv
