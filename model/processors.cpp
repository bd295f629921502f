#include "model/processors.h"

#include <algorithm>
#include <fstream>
#include <sched.h>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace dendrokv {

namespace {

namespace fs = std::filesystem;

std::string first_line(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

std::vector<unsigned> processors_in_mask() {
  cpu_set_t mask;
  std::vector<unsigned> processors;
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) {
    for (unsigned processor = 0; processor < CPU_SETSIZE; ++processor)
      if (CPU_ISSET(processor, &mask)) processors.push_back(processor);
  } else {  // more processors than the mask has room for
    processors.resize(std::max(1u, std::thread::hardware_concurrency()));
    for (unsigned i = 0; i < processors.size(); ++i) processors[i] = i;
  }
  return processors;
}

std::optional<double> number(const std::string& text) {
  try {
    return std::stod(text);
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

std::optional<double> quotient(const std::string& quota, const std::string& period) {
  const std::optional<double> microseconds = number(quota), per = number(period);
  if (!microseconds || !per || *microseconds <= 0 || *per <= 0) return std::nullopt;
  return *microseconds / *per;
}

// "max 100000" or "150000 100000".
std::optional<double> quota_of_version_2(const fs::path& folder) {
  const std::string line = first_line(folder / "cpu.max");
  const size_t space = line.find(' ');
  if (space == std::string::npos) return std::nullopt;
  return quotient(line.substr(0, space), line.substr(space + 1));
}

// A quota of -1 is no limit.
std::optional<double> quota_of_version_1(const fs::path& folder) {
  return quotient(first_line(folder / "cpu.cfs_quota_us"),
                  first_line(folder / "cpu.cfs_period_us"));
}

// "max" or a number.
std::optional<double> memory_of_version_2(const fs::path& folder) {
  return number(first_line(folder / "memory.max"));
}

std::optional<double> memory_of_version_1(const fs::path& folder) {
  return number(first_line(folder / "memory.limit_in_bytes"));
}

void tighten(std::optional<double>& limit, std::optional<double> other) {
  if (other && (!limit || *other < *limit)) limit = other;
}

// A group and all groups above it, up to the mount point. In a container the path of /proc may not
// exist below it: then only the mount point itself counts.
using LimitOf = std::optional<double> (*)(const fs::path& folder);
std::optional<double> tightest(const fs::path& mount, const std::string& group, LimitOf limit_of) {
  std::optional<double> limit = limit_of(mount);
  fs::path folder = mount;
  for (const fs::path& part : fs::path(group).relative_path()) {
    folder /= part;
    tighten(limit, limit_of(folder));
  }
  return limit;
}

bool has_controller(const std::string& list, const std::string& name) {
  return ("," + list + ",").find("," + name + ",") != std::string::npos;
}

// The tightest limit of a controller ("cpu", "memory") in the groups that this process is in.
std::optional<double> limit_of_groups(const fs::path& root, const std::string& controller,
                                      LimitOf version_2, LimitOf version_1) {
  const fs::path mounts = root / "sys/fs/cgroup";
  std::optional<double> limit;
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // number:controllers:path
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty())
      tighten(limit, tightest(mounts, group, version_2));
    else if (has_controller(controllers, controller))
      tighten(limit, tightest(mounts / controller, group, version_1));
  }
  return limit;
}

}  // namespace

unsigned physical_cores(std::span<const unsigned> processors, const fs::path& root) {
  std::set<std::string> cores;
  for (const unsigned processor : processors) {
    const std::string name = "cpu" + std::to_string(processor);
    const std::string siblings =
        first_line(root / "sys/devices/system/cpu" / name / "topology/thread_siblings_list");
    cores.insert(siblings.empty() ? name : siblings);
  }
  return static_cast<unsigned>(cores.size());
}

std::optional<double> processor_quota(const fs::path& root) {
  return limit_of_groups(root, "cpu", quota_of_version_2, quota_of_version_1);
}

std::optional<double> memory_quota(const fs::path& root) {
  return limit_of_groups(root, "memory", memory_of_version_2, memory_of_version_1);
}

unsigned usable_cores() {
  const unsigned cores = std::max(1u, physical_cores(processors_in_mask(), "/"));
  const std::optional<double> quota = processor_quota("/");
  if (!quota || *quota >= cores) return cores;
  return std::max(1u, static_cast<unsigned>(*quota));
}

}  // namespace dendrokv
