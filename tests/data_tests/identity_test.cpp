#include "data/identity.h"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>

#include "data/error.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

TEST(Identity, Sha256OfTheStandardsExample) {
  const testing::TemporaryFolder folder;
  std::ofstream(folder / "abc") << "abc";
  EXPECT_EQ(sha256_of(folder / "abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_THROW(sha256_of(folder / "none"), Error);
}

TEST(Identity, UuidsAreVersionFourAndDiffer) {
  const std::regex form("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  const std::string first = new_uuid(), second = new_uuid();
  EXPECT_TRUE(std::regex_match(first, form)) << first;
  EXPECT_NE(first, second);
}

TEST(Identity, TimeIsIso8601InUtc) {
  EXPECT_TRUE(std::regex_match(utc_now(), std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")));
}

}  // namespace
}  // namespace dendrokv
