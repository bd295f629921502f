#include "data/identity.h"

#include <fstream>
#include <gtest/gtest.h>
#include <regex>
#include <set>

#include "data/error.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

std::string sha256_of_written(const std::string& text) {
  const testing::TemporaryFolder folder;
  std::ofstream(folder / "file", std::ios::binary) << text;
  return sha256_of(folder / "file");
}

TEST(Identity, Sha256OfPublishedMessages) {  // FIPS 180-2, appendix B
  EXPECT_EQ(sha256_of_written(""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_of_written("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_of_written(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Identity, OfATextIsThatOfAFileWithIt) {
  EXPECT_EQ(sha256_of_text("abc"), sha256_of_written("abc"));
  const std::string uuid = uuid_of_text("abc");
  EXPECT_TRUE(std::regex_match(
      uuid, std::regex("[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")))
      << uuid;
  EXPECT_EQ(uuid, uuid_of_text("abc"));
  EXPECT_NE(uuid, uuid_of_text("abd"));
}

TEST(Identity, Sha256NamesTheFileItCannotRead) {
  const testing::TemporaryFolder folder;
  for (const std::filesystem::path& path : {folder / "absent", folder.path()}) {
    try {
      sha256_of(path);
      FAIL() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.subject(), path.string());
    }
  }
}

TEST(Identity, UuidsAreRandomVersionFour) {
  static const std::regex pattern(
      "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) seen.insert(new_uuid());
  EXPECT_EQ(seen.size(), 100u);
  for (const std::string& uuid : seen) EXPECT_TRUE(std::regex_match(uuid, pattern)) << uuid;
}

TEST(Identity, TimeAndCreatorHaveTheirForms) {
  EXPECT_TRUE(std::regex_match(utc_now(), std::regex(R"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ)")))
      << utc_now();
  EXPECT_TRUE(std::regex_match(creator_name(), std::regex(R"(dendrokv \d+\.\d+\.\d+)")))
      << creator_name();
}

}  // namespace
}  // namespace dendrokv
