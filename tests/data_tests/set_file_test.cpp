// Sets of results: what goes in comes out, members open like files of their own, and equal tasks
// give equal bytes.

#include "data/set_file.h"

#include <cstdlib>
#include <gtest/gtest.h>

#include "data/error.h"
#include "data/hdf5.h"
#include "data/runs_file.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

namespace fs = std::filesystem;

class SetFileTest : public ::testing::Test {
 protected:
  /// A file of runs, as the result of a task.
  fs::path result(const std::string& name) const {
    RunsFile file{.uuid = "00000000-0000-8000-8000-00000000000" + name,
                  .created = "1970-01-01T00:00:00Z",
                  .creator = "test",
                  .command_line = "dendrokv replay " + name,
                  .trace_uuid = "trace-" + name,
                  .runs = {}};
    write_runs(folder_ / (name + ".h5"), file);
    return folder_ / (name + ".h5");
  }

  FileSet set_of_three() const {
    FileSet set;
    set.command_line = "dendrokv replay many";
    set.tasks = 5;
    set.items.push_back({4, "key4", "task 4", "dendrokv-runs", {}, result("4")});
    set.items.push_back({0, "key0", "task 0", "dendrokv-runs", {}, result("0")});
    set.items.push_back({2, "key2", "task 2", {}, "no such file", {}});
    return set;
  }

  testing::TemporaryFolder folder_;
};

TEST_F(SetFileTest, ComesBackInTheOrderOfTheTasks) {
  write_set(folder_ / "set.h5", set_of_three());
  const FileSet set = read_set(folder_ / "set.h5");
  ASSERT_EQ(set.items.size(), 3u);
  EXPECT_EQ(set.tasks, 5u);
  EXPECT_EQ(set.items[0].key, "key0");
  EXPECT_EQ(set.items[1].error, "no such file");
  EXPECT_EQ(set.items[1].format, "");
  EXPECT_EQ(set.items[2].order, 4u);
  EXPECT_EQ(set.items[2].file, folder_ / "set.h5/item/4");
  EXPECT_EQ(set.created, "1970-01-01T00:00:00Z");
}

TEST_F(SetFileTest, AMemberOpensLikeAFileOfItsOwn) {
  write_set(folder_ / "set.h5", set_of_three());
  EXPECT_EQ(read_runs(folder_ / "set.h5/item/4").trace_uuid, "trace-4");
  EXPECT_EQ(format_of(folder_ / "set.h5/item/0"), "dendrokv-runs");
  EXPECT_EQ(sniff_file(folder_ / "set.h5/item/0"), FileKind::Runs);
  EXPECT_THROW(read_runs(folder_ / "set.h5/item/3"), Error);
  EXPECT_THROW(read_runs(folder_ / "set.h5/item/2"), Error);  // it failed
  EXPECT_THROW(read_set(folder_ / "4.h5"), Error);
}

TEST_F(SetFileTest, EqualTasksGiveEqualBytesAlsoOfCopiesOfCopies) {
  write_set(folder_ / "one.h5", set_of_three());
  FileSet again = set_of_three();
  std::swap(again.items[0], again.items[1]);
  write_set(folder_ / "two.h5", again);
  EXPECT_EQ(testing::read_text(folder_ / "one.h5"), testing::read_text(folder_ / "two.h5"));
  // What `merge` makes has been copied twice, or more often where a shard was taken up again.
  const auto copy = [&](const char* from, const char* to) {
    FileSet set = read_set(folder_ / from);
    set.uuid.clear();
    write_set(folder_ / to, set);
  };
  copy("one.h5", "twice.h5");
  copy("twice.h5", "thrice.h5");
  EXPECT_EQ(testing::read_text(folder_ / "twice.h5"), testing::read_text(folder_ / "thrice.h5"));
}

TEST_F(SetFileTest, ATimeThatTheUserSaysIsTheTimeOfCreation) {
  setenv("SOURCE_DATE_EPOCH", "86400", 1);
  write_set(folder_ / "set.h5", set_of_three());
  EXPECT_EQ(read_set(folder_ / "set.h5").created, "1970-01-02T00:00:00Z");
  setenv("SOURCE_DATE_EPOCH", "tomorrow", 1);
  EXPECT_THROW(write_set(folder_ / "set.h5", set_of_three()), Error);
  unsetenv("SOURCE_DATE_EPOCH");
}

TEST(PlaceOf, IsAFileAndAGroupInIt) {
  const testing::TemporaryFolder folder;
  EXPECT_EQ(h5::place_of(folder / "missing.h5").group, "");
  EXPECT_EQ(h5::place_of("relative.h5").file, "relative.h5");
  EXPECT_EQ(h5::place_of("").file, "");
  const fs::path file = testing::data_file("models/llama-gqa-tied/model.gguf");
  EXPECT_EQ(h5::place_of(file / "item/3").file, file);
  EXPECT_EQ(h5::place_of(file / "item/3").group, "item/3");
}

}  // namespace
}  // namespace dendrokv
