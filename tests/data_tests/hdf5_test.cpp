// What the HDF5 layer writes can be read again.

#include "data/hdf5.h"

#include <gtest/gtest.h>

#include "tests/support/files.h"

namespace dendrokv::h5 {
namespace {

using dendrokv::testing::TemporaryFolder;

// A shell hands over commands of up to 2 MiB, and quotes make them longer.
TEST(Hdf5, TextsAsLongAsCommandsAreReadBack) {
  const TemporaryFolder folder;
  const std::string command(size_t{4} << 20, 'c');
  const std::vector<std::string> names(20'000, std::string(100, 'n'));
  {
    File file = File::create(folder / "t.h5");
    file.write_attribute("/", "command_line", command);
    const std::vector<std::string_view> views(names.begin(), names.end());
    file.write_attribute("/", "units", std::span(views));
    file.close();
  }
  const File file = File::open(folder / "t.h5");
  EXPECT_EQ(file.text_attribute("/", "command_line"), command);
  EXPECT_EQ(file.texts_attribute("/", "units"), names);
}

}  // namespace
}  // namespace dendrokv::h5
