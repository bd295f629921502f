#include "model/memory.h"

#include <gtest/gtest.h>

#include "data/error.h"

namespace dendrokv {
namespace {

TEST(Memory, ThereIsSome) {
  EXPECT_GT(usable_memory(),
            uint64_t{1} << 26);  // a quarter of the smallest machine that could have built this
  EXPECT_LT(usable_memory(), uint64_t{1} << 50);
}

TEST(Memory, WhatFitsIsAllowed) {
  EXPECT_NO_THROW(check_memory("big.gguf", "its weights", 0, ""));
  EXPECT_NO_THROW(check_memory("big.gguf", "its weights", usable_memory(), ""));
}

TEST(Memory, WhatDoesNotFitIsRefusedWithItsSize) {
  for (const uint64_t bytes : {usable_memory() + 1, uint64_t{5'000'000'000'000'000}, UINT64_MAX}) {
    try {
      check_memory("big.gguf", "its weights", bytes, "take a smaller one");
      FAIL() << "accepted " << bytes;
    } catch (const Error& error) {
      EXPECT_EQ(error.subject(), "big.gguf");
      EXPECT_NE(error.found().find(" MB for its weights"), std::string::npos) << error.what();
      EXPECT_EQ(error.remedy(), "take a smaller one");
    }
  }
  try {
    check_memory("big.gguf", "its weights", 5'000'000'000'000'000, "");
  } catch (const Error& error) {
    EXPECT_EQ(error.found(), "needs 5000000000 MB for its weights");
  }
}

}  // namespace
}  // namespace dendrokv
