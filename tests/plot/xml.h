#pragma once
// What tests of pictures ask of their text.

#include <gtest/gtest.h>
#include <regex>
#include <string>
#include <vector>

namespace dendrokv::testing {

inline size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size()))
    ++found;
  return found;
}

/// Every element closes in order, and no attribute holds a raw < or &.
inline void expect_well_formed(const std::string& xml) {
  std::vector<std::string> open;
  const std::regex tag(R"(<(/?)([a-zA-Z]+)((?:\s+[a-zA-Z0-9:-]+="[^"<]*")*)\s*(/?)>)");
  size_t expected = 0;
  for (std::sregex_iterator it(xml.begin(), xml.end(), tag), end; it != end; ++it, ++expected) {
    const std::smatch& match = *it;
    if (match[4] == "/") continue;
    if (match[1] == "/") {
      ASSERT_FALSE(open.empty());
      EXPECT_EQ(open.back(), match[2]);
      open.pop_back();
    } else {
      open.push_back(match[2]);
    }
  }
  EXPECT_TRUE(open.empty());
  EXPECT_EQ(expected, count(xml, "<"));
}

}  // namespace dendrokv::testing
