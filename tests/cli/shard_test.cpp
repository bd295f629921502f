#include "cli/shard.h"

#include <gtest/gtest.h>
#include <map>

#include "cli/options.h"
#include "cli/task_dealer.h"

namespace dendrokv {
namespace {

using Variables = std::map<std::string, std::string>;

Environment of(const Variables& variables) {
  return [variables](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

struct Case {
  const char* what;
  const char* option;
  Variables variables;
  uint64_t index, count;
  bool launched;
};

TEST(Shard, IsWhatTheLauncherSays) {
  const Case cases[] = {
      {"nothing", "", {}, 0, 1, false},
      {"flag", "2/5", {{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}}, 2, 5, false},
      {"OpenMPI", "", {{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "4"}}, 1, 4, true},
      {"PMI", "auto", {{"PMI_RANK", "3"}, {"PMI_SIZE", "4"}}, 3, 4, true},
      {"srun",
       "auto",
       {{"SLURM_JOB_ID", "7"},
        {"SLURM_STEP_ID", "0"},
        {"SLURM_PROCID", "1"},
        {"SLURM_STEP_NUM_TASKS", "2"},
        {"SLURM_NTASKS", "8"}},
       1,
       2,
       true},
      {"a batch script is one process",
       "auto",
       {{"SLURM_JOB_ID", "7"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}},
       0,
       1,
       false},
      {"an array from 1 in steps of 2",
       "auto",
       {{"SLURM_ARRAY_TASK_ID", "5"},
        {"SLURM_ARRAY_TASK_COUNT", "4"},
        {"SLURM_ARRAY_TASK_MIN", "1"},
        {"SLURM_ARRAY_TASK_STEP", "2"}},
       2,
       4,
       false},
      {"steps within an array",
       "auto",
       {{"SLURM_ARRAY_TASK_ID", "1"},
        {"SLURM_ARRAY_TASK_COUNT", "3"},
        {"SLURM_JOB_ID", "7"},
        {"SLURM_STEP_ID", "0"},
        {"SLURM_PROCID", "1"},
        {"SLURM_STEP_NUM_TASKS", "2"}},
       3,
       6,
       true},
      {"mpirun within Slurm has the variables of both",
       "auto",
       {{"OMPI_COMM_WORLD_RANK", "3"},
        {"OMPI_COMM_WORLD_SIZE", "4"},
        {"SLURM_JOB_ID", "7"},
        {"SLURM_STEP_ID", "0"},
        {"SLURM_PROCID", "0"},
        {"SLURM_STEP_NUM_TASKS", "1"}},
       3,
       4,
       true},
  };
  for (const Case& one : cases) {
    const Shard shard = find_shard(one.option, of(one.variables));
    EXPECT_EQ(shard.index, one.index) << one.what;
    EXPECT_EQ(shard.count, one.count) << one.what;
    EXPECT_EQ(shard.launched, one.launched) << one.what;
  }
}

TEST(Shard, RefusesWhatIsNone) {
  for (const char* option : {"1", "1/0", "4/4", "a/b", "1/2/3", "/2", "1/", "-1/2"})
    EXPECT_THROW(find_shard(option, of({})), UsageError) << option;
  EXPECT_THROW(find_shard("", of({{"PMI_RANK", "x"}, {"PMI_SIZE", "2"}})), Error);
  EXPECT_THROW(find_shard("", of({{"PMI_RANK", "2"}, {"PMI_SIZE", "2"}})), Error);
  // Elements 3 and 7 of a list are no even range of two.
  EXPECT_THROW(find_shard("", of({{"SLURM_ARRAY_TASK_ID", "7"},
                                  {"SLURM_ARRAY_TASK_COUNT", "2"},
                                  {"SLURM_ARRAY_TASK_MIN", "3"}})),
               Error);
}

TEST(Shard, TurnsGiveEveryTaskToOneProcess) {
  for (const uint64_t count : {1u, 2u, 4u, 7u}) {
    std::map<uint64_t, int> dealt;
    for (uint64_t index = 0; index < count; ++index) {
      const auto dealer = deal_by_turns({index, count, "", false}, 10);
      while (const auto task = dealer->next()) ++dealt[*task];
    }
    EXPECT_EQ(dealt.size(), 10u);
    for (const auto& [task, times] : dealt) EXPECT_EQ(times, 1) << task;
  }
}

}  // namespace
}  // namespace dendrokv
