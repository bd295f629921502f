#include "cli/options.h"

#include <gtest/gtest.h>

namespace dendrokv {
namespace {

/// A command line with one option of every kind.
struct Sample {
  std::filesystem::path trace, output;
  std::vector<std::string> policies;
  std::string encoding = "f16", text;
  uint64_t count = 128;
  std::optional<uint64_t> tokens;
  double temperature = 0;
  bool json = false, help = false;
  Options options{"sample", "does nothing"};

  Sample() {
    options.positional("TRACE", trace, "a trace");
    options.texts("--policy", "SPEC", policies, "a policy", Need::Required);
    options.file("-o,--output", output, "the file to write", Need::Required);
    options.choice("--encoding", "f16|u8|f32", encoding, "of a weight");
    options.text("--prompt", "TEXT", text, "a text");
    options.count("-n", count, {1, 1000}, "how many");
    options.count("--tokens", tokens, {1}, "the first ones");
    options.real("--temperature", temperature, {0, 2}, "of the draws");
    options.begin_common();
    options.flag("--json", json, "JSON");
    options.flag("-h,--help", help, "explain");
    options.example("dendrokv sample t.h5 --policy full -o r.h5");
  }
};

std::string message(const std::vector<std::string>& words) {
  Sample sample;
  try {
    sample.options.parse(words);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Options, KeepDefaultsOfWhatIsNotSaid) {
  Sample sample;
  ASSERT_TRUE(
      sample.options.parse(std::vector<std::string>{"t.h5", "--policy", "full", "-o", "r.h5"}));
  EXPECT_EQ(sample.trace, "t.h5");
  EXPECT_EQ(sample.output, "r.h5");
  EXPECT_EQ(sample.policies, std::vector<std::string>{"full"});
  EXPECT_EQ(sample.encoding, "f16");
  EXPECT_EQ(sample.count, 128u);
  EXPECT_FALSE(sample.tokens.has_value());
  EXPECT_FALSE(sample.json);
}

TEST(Options, TakeValuesInEveryForm) {
  Sample sample;
  ASSERT_TRUE(sample.options.parse(std::vector<std::string>{
      "--json", "-n", "5", "--tokens=7", "--temperature", "0.5", "t.h5", "--policy", "full",
      "treekv:capacity=4", "--policy", "sliding", "--encoding", "u8", "--output", "r.h5"}));
  EXPECT_TRUE(sample.json);
  EXPECT_EQ(sample.count, 5u);
  EXPECT_EQ(sample.tokens, 7u);
  EXPECT_EQ(sample.temperature, 0.5);
  EXPECT_EQ(sample.policies, (std::vector<std::string>{"full", "treekv:capacity=4", "sliding"}));
  EXPECT_EQ(sample.encoding, "u8");
}

TEST(Options, LeaveTheLastWordToTheFile) {
  Sample sample;
  ASSERT_TRUE(sample.options.parse(
      std::vector<std::string>{"-o", "r.h5", "--policy", "full", "sliding", "t.h5"}));
  EXPECT_EQ(sample.trace, "t.h5");
  EXPECT_EQ(sample.policies, (std::vector<std::string>{"full", "sliding"}));
}

TEST(Options, KeepTextAsItIs) {
  for (const char* text : {"[INST] a, b [/INST]", "-5", "--json", "a=b", " "}) {
    Sample sample;
    ASSERT_TRUE(sample.options.parse(
        std::vector<std::string>{"t.h5", "--policy", "full", "-o", "r.h5", "--prompt", text}));
    EXPECT_EQ(sample.text, text);
    EXPECT_FALSE(sample.json);
  }
}

TEST(Options, AskedForHelpCheckNothing) {
  Sample sample;
  EXPECT_FALSE(sample.options.parse(std::vector<std::string>{"--help"}));
  EXPECT_FALSE(sample.options.parse(std::vector<std::string>{"a", "b", "-h", "--nonsense"}));
}

TEST(Options, SayWhatIsWrong) {
  const std::vector<std::string> good{"t.h5", "--policy", "full", "-o", "r.h5"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), good.begin(), good.end());
    return message(more);
  };
  EXPECT_EQ(message({"--policy", "full", "-o", "r.h5"}),
            "TRACE: missing, wanted a trace, see --help");
  EXPECT_EQ(message({"t.h5", "-o", "r.h5"}), "--policy: missing, wanted a policy, see --help");
  EXPECT_EQ(message({"t.h5", "--policy", "full"}),
            "--output: missing, wanted the file to write, see --help");
  EXPECT_EQ(with({"--tokns", "3"}),
            "option '--tokns': not known, did you mean --tokens, --json or --policy, see --help");
  EXPECT_EQ(with({"--tokens"}), "--tokens: no value, wanted one behind it");
  EXPECT_EQ(with({"--tokens=", "12"}), "--tokens: no value, wanted one behind it");
  EXPECT_EQ(with({"--tokens", "0"}), "--tokens: '0', wanted a whole number of at least 1");
  EXPECT_EQ(with({"--tokens", "-1"}), "--tokens: '-1', wanted a whole number of at least 1");
  EXPECT_EQ(with({"--tokens", "1e3"}), "--tokens: '1e3', wanted a whole number of at least 1");
  EXPECT_EQ(with({"-n", "1001"}), "-n: '1001', wanted a whole number from 1 to 1000");
  EXPECT_EQ(with({"--temperature", "nan"}), "--temperature: 'nan', wanted a number from 0 to 2");
  EXPECT_EQ(with({"--encoding", "f64"}), "--encoding: 'f64', wanted f16|u8|f32");
  EXPECT_EQ(with({"--encoding", "u8", "--encoding", "f32"}), "--encoding: 2 values, wanted one");
  EXPECT_EQ(with({"--output", ""}), "--output: 2 values, wanted one");
  EXPECT_EQ(message({"a.h5", "b.h5", "--policy", "full", "-o", "r.h5"}),
            "'b.h5': one word too many, see --help");
}

TEST(Options, HelpShowsEveryDeclaration) {
  const Sample sample;
  const std::string help = sample.options.help();
  EXPECT_NE(help.find("usage: dendrokv sample TRACE --policy SPEC... -o FILE [options]\n"),
            std::string::npos);
  EXPECT_NE(help.find("  -n N                        how many (default: 128)\n"),
            std::string::npos);
  EXPECT_NE(help.find("  --encoding f16|u8|f32       of a weight (default: f16)\n"),
            std::string::npos);
  for (const Option& option : sample.options.declared())
    EXPECT_NE(help.find(option.help), std::string::npos) << option.names;
}

TEST(Options, HandOnEverythingBehindACommandThatAsksForIt) {
  std::vector<std::string> words;
  Options options("view", "starts the viewer");
  options.rest("FILE", words, "handed on");
  ASSERT_TRUE(options.parse(std::vector<std::string>{"t.h5", "--runs", "r.h5", "--", "-x"}));
  EXPECT_EQ(words, (std::vector<std::string>{"t.h5", "--runs", "r.h5", "--", "-x"}));
  EXPECT_FALSE(options.parse(std::vector<std::string>{"--help"}));
}

}  // namespace
}  // namespace dendrokv
