#include "model/processors.h"

#include <fstream>
#include <gtest/gtest.h>
#include <vector>

#include "tests/support/files.h"

namespace dendrokv {
namespace {

namespace fs = std::filesystem;

// A made-up system below a temporary folder.
class System {
 public:
  void file(const std::string& name, const std::string& text) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text << "\n";
  }
  void siblings(unsigned processor, const std::string& list) {
    file(
        "sys/devices/system/cpu/cpu" + std::to_string(processor) + "/topology/thread_siblings_list",
        list);
  }
  const fs::path& root() const { return folder_.path(); }

 private:
  testing::TemporaryFolder folder_;
};

TEST(Processors, SiblingsAreOneCore) {
  System system;
  for (const unsigned processor : {0u, 2u}) system.siblings(processor, "0,2");
  for (const unsigned processor : {1u, 3u}) system.siblings(processor, "1,3");
  EXPECT_EQ(physical_cores(std::vector<unsigned>{0, 1, 2, 3}, system.root()), 2u);
  EXPECT_EQ(physical_cores(std::vector<unsigned>{0, 2}, system.root()), 1u);
  EXPECT_EQ(physical_cores(std::vector<unsigned>{1, 2}, system.root()), 2u);
}

TEST(Processors, UnknownTopologyCountsEach) {
  EXPECT_EQ(physical_cores(std::vector<unsigned>{0, 1, 5}, System().root()), 3u);
}

TEST(Processors, NoGroupsNoQuota) {
  EXPECT_EQ(processor_quota(System().root()), std::nullopt);
}

TEST(Processors, QuotaOfVersion2IsTheTightestOfAllLevels) {
  System system;
  system.file("proc/self/cgroup", "0::/user/job");
  system.file("sys/fs/cgroup/user/cpu.max", "max 100000");
  EXPECT_EQ(processor_quota(system.root()), std::nullopt);
  system.file("sys/fs/cgroup/user/job/cpu.max", "350000 100000");
  EXPECT_EQ(processor_quota(system.root()), 3.5);
  system.file("sys/fs/cgroup/user/cpu.max", "150000 100000");
  EXPECT_EQ(processor_quota(system.root()), 1.5);
}

TEST(Processors, QuotaOfAContainersOwnRoot) {
  System system;
  system.file("proc/self/cgroup", "0::/");
  system.file("sys/fs/cgroup/cpu.max", "200000 100000");
  EXPECT_EQ(processor_quota(system.root()), 2.0);
}

TEST(Processors, QuotaOfVersion1) {
  System system;
  system.file("proc/self/cgroup", "4:memory:/job\n3:cpu,cpuacct:/job");
  system.file("sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "50000");
  system.file("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "-1");
  EXPECT_EQ(processor_quota(system.root()), std::nullopt);
  system.file("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "125000");
  EXPECT_EQ(processor_quota(system.root()), 2.5);
}

TEST(Processors, GarbledFilesAreNoLimit) {
  System system;
  system.file("proc/self/cgroup", "nonsense\n0::/job");
  system.file("sys/fs/cgroup/job/cpu.max", "many few");
  EXPECT_EQ(processor_quota(system.root()), std::nullopt);
}

TEST(Processors, MemoryOfBothVersions) {
  System system;
  EXPECT_EQ(memory_quota(system.root()), std::nullopt);
  system.file("proc/self/cgroup", "0::/job/part");
  system.file("sys/fs/cgroup/job/part/memory.max", "max");
  EXPECT_EQ(memory_quota(system.root()), std::nullopt);
  system.file("sys/fs/cgroup/job/memory.max", "4294967296");
  EXPECT_EQ(memory_quota(system.root()), 4294967296.0);
  System older;
  older.file("proc/self/cgroup", "4:memory:/job\n3:cpu,cpuacct:/job");
  older.file("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "1048576");
  EXPECT_EQ(memory_quota(older.root()), 1048576.0);
}

TEST(Processors, AtLeastOneHere) {
  EXPECT_GE(usable_cores(), 1u);
}

}  // namespace
}  // namespace dendrokv
