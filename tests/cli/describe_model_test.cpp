#include <fstream>
#include <gtest/gtest.h>

#include "cli/description.h"
#include "tests/model/gguf_file.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

using testing::GgufFile;
using testing::GgufType;

template <class T>
std::string raw(T number) {
  std::string bytes;
  testing::append(bytes, number);
  return bytes;
}

template <class T>
std::string array_of(GgufType type, const std::vector<T>& numbers) {
  std::string bytes = raw(static_cast<uint32_t>(type)) + raw(uint64_t{numbers.size()});
  for (const T number : numbers) bytes += raw(number);
  return bytes;
}

Description described(const GgufFile& file) {
  const testing::TemporaryFolder folder;
  std::ofstream(folder / "tiny.gguf", std::ios::binary) << file.bytes();
  return describe_model(folder / "tiny.gguf", TensorList::Show);
}

void expect_line(const std::string& text, const std::string& key, const std::string& value) {
  const size_t at = text.find("  " + key + " ");
  ASSERT_NE(at, std::string::npos) << key << "\n" << text;
  const std::string line = text.substr(at, text.find('\n', at) - at);
  EXPECT_EQ(line.substr(line.find_first_not_of(' ', 2 + key.size())), value) << line;
}

TEST(DescribeModel, ValuesOfEveryTypeAreReadable) {
  GgufFile file = testing::tiny_model();
  file.set("a.u8", GgufType::U8, raw(uint8_t{200}));
  file.set("a.i64", GgufType::I64, raw(INT64_MIN));
  file.set("a.f32", GgufType::F32, raw(0.1f));
  file.set("a.small", GgufType::F32, raw(1e-30f));
  file.set("a.large", GgufType::F64, raw(1e300));
  file.set("a.nan", GgufType::F64, raw(std::numeric_limits<double>::quiet_NaN()));
  file.set("a.bool", GgufType::Bool, raw(uint8_t{1}));
  file.set_text("a.empty", "");
  file.set_text("a.lines", "one\ntwo");
  file.set("a.short", GgufType::Array, array_of<float>(GgufType::F32, {0.5f, -1}));
  file.set("a.none", GgufType::Array, array_of<uint8_t>(GgufType::U8, {}));
  file.set("a.bools", GgufType::Array, array_of<uint8_t>(GgufType::Bool, {1, 0}));
  file.set("a.long", GgufType::Array,
           array_of<int16_t>(GgufType::I16, std::vector<int16_t>(17, -3)));
  const Description description = described(file);
  const auto line = [&](const std::string& key, const std::string& value) {
    expect_line(description.text, key, value);
  };
  line("a.u8", "200");
  line("a.i64", "-9223372036854775808");
  line("a.f32", "0.1");
  line("a.small", "1e-30");
  line("a.large", "1e+300");
  line("a.nan", "nan");
  line("a.bool", "true");
  line("a.empty", "''");
  line("a.lines", "one?two (7 bytes)");
  line("a.short", "2 elements: 0.5, -1");
  line("a.none", "0 elements");
  line("a.bools", "2 elements: true, false");
  line("a.long", "17 elements: -3, -3, -3, -3, ...");
  const std::string json = description.json.text();
  for (const char* part :
       {R"("a.u8":200)", R"("a.i64":-9223372036854775808)", R"("a.f32":0.1,)", R"("a.nan":null)",
        R"("a.bool":true)", R"("a.empty":"")", R"("a.lines":"one\ntwo")", R"("a.short":[0.5,-1.0])",
        R"("a.none":[])", R"("a.bools":[true,false])",
        R"("a.long":{"count":17,"first":[-3,-3,-3,-3,-3,-3,-3,-3]})",
        R"({"name":"blk.0.attn_q.weight","type":"F32","shape":[16,16],"bytes":1024})"})
    EXPECT_NE(json.find(part), std::string::npos) << part;
}

}  // namespace
}  // namespace dendrokv
