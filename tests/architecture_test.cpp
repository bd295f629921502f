// The floors of docs/design.md, read from every source file: which folder may include which, where
// third-party headers may stand, and that libraries never print or exit.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Floor {
  std::set<std::string> may_include;
};

const std::map<std::string, Floor> kFloors = {
    {"data", {{"data"}}},
    {"plot", {{"data", "plot"}}},
    {"cache", {{"data", "cache"}}},
    {"analysis", {{"data", "analysis"}}},
    {"model", {{"data", "cache", "model"}}},
    {"gui", {{"data", "plot", "cache", "analysis", "gui"}}},
    {"cli", {{"data", "plot", "cache", "analysis", "model", "cli"}}},
    {"bench", {{"data", "plot", "cache", "analysis", "model", "bench"}}},
};

// Third-party headers (by pattern) and the only files that may include them (by pattern).
const std::vector<std::pair<std::regex, std::regex>> kThirdParty = {
    {std::regex("hdf5.*\\.h"), std::regex("data/hdf5.*\\.cpp")},
    {std::regex("fftw3\\.h"), std::regex("analysis/fft\\.cpp")},
    {std::regex("openssl/.*"), std::regex("data/identity\\.cpp")},
    {std::regex("unicode/.*"), std::regex("model/unicode\\.cpp")},
    {std::regex("immintrin\\.h"),
     std::regex("(model/kernels.*|data/(half|pyramid_fold|weight_tile)\\.cpp|analysis/"
                "line_kernels_body\\.h)")},
    {std::regex("mpi\\.h"), std::regex("cli/mpi_dealer\\.cpp")},
    {std::regex("CLI/.*"), std::regex("(cli/options_parse|bench/main)\\.cpp")},
    {std::regex("nlohmann/.*"), std::regex("(cli|bench)/json\\.cpp")},
    {std::regex("benchmark/.*"), std::regex("bench/.*\\.cpp")},
    {std::regex("boost/.*"), std::regex("analysis/distributions\\.cpp")},
    {std::regex("Q[A-Z].*|Qt.*"), std::regex("gui/.*")},
};

struct Include {
  fs::path file;  // relative to the root
  int line;
  std::string header;
  bool quoted;
};

std::vector<fs::path> sources() {
  std::vector<fs::path> files;
  for (const auto& [folder, floor] : kFloors)
    for (const auto& entry :
         fs::recursive_directory_iterator(fs::path(DENDROKV_SOURCE_DIR) / folder))
      if (entry.path().extension() == ".cpp" || entry.path().extension() == ".h")
        files.push_back(fs::relative(entry.path(), DENDROKV_SOURCE_DIR));
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> lines_of(const fs::path& file) {
  std::ifstream stream(fs::path(DENDROKV_SOURCE_DIR) / file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<Include> includes() {
  static const std::regex pattern(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"].*)");
  std::vector<Include> found;
  for (const fs::path& file : sources()) {
    int number = 0;
    for (const std::string& line : lines_of(file)) {
      ++number;
      std::smatch match;
      if (std::regex_match(line, match, pattern))
        found.push_back({file, number, match[2], match[1] == "\""});
    }
  }
  return found;
}

std::string where(const Include& include) {
  return include.file.string() + ":" + std::to_string(include.line) + " includes " + include.header;
}

TEST(Architecture, SourcesAreFound) {
  EXPECT_GT(sources().size(), 40u);
}

TEST(Architecture, FoldersIncludeOnlyWhatTheirFloorAllows) {
  for (const Include& include : includes()) {
    if (!include.quoted) continue;
    const std::string from = include.file.begin()->string();
    const std::string to = fs::path(include.header).begin()->string();
    EXPECT_TRUE(kFloors.at(from).may_include.contains(to)) << where(include);
    EXPECT_EQ(include.header.find(".."), std::string::npos) << where(include);
  }
}

TEST(Architecture, ThirdPartyHeadersStayInTheirFiles) {
  for (const Include& include : includes()) {
    if (include.quoted) continue;
    for (const auto& [header, home] : kThirdParty)
      if (std::regex_match(include.header, header)) {
        EXPECT_TRUE(std::regex_match(include.file.string(), home)) << where(include);
      }
  }
}

TEST(Architecture, LibrariesNeverPrintOrExit) {
  static const std::regex forbidden(
      R"(\b(std::cout|std::cerr|std::clog|printf\s*\(|fprintf|puts\s*\(|std::exit|(^|[^_\w.:>])exit\s*\(|abort\s*\(|qDebug|qWarning))");
  for (const fs::path& file : sources()) {
    const std::string folder = file.begin()->string();
    if (folder == "cli" || folder == "bench" || file == "gui/main.cpp") continue;
    int number = 0;
    for (const std::string& line : lines_of(file)) {
      ++number;
      const std::string code = line.substr(0, line.find("//"));
      EXPECT_FALSE(std::regex_search(code, forbidden))
          << file.string() << ":" << number << " " << line;
    }
  }
}

TEST(Architecture, HeadersHaveOneGuardAndSourcesTheirHeaderFirst) {
  for (const fs::path& file : sources()) {
    const std::vector<std::string> lines = lines_of(file);
    if (file.extension() == ".h") {
      EXPECT_FALSE(lines.empty() || lines[0] != "#pragma once") << file.string();
      continue;
    }
    fs::path header = file;
    header.replace_extension(".h");
    if (!fs::exists(fs::path(DENDROKV_SOURCE_DIR) / header)) continue;
    const auto first = std::find_if(lines.begin(), lines.end(), [](const std::string& line) {
      return line.rfind("#include", 0) == 0;
    });
    ASSERT_NE(first, lines.end()) << file.string();
    EXPECT_EQ(*first, "#include \"" + header.string() + "\"") << file.string();
  }
}

size_t columns_of(const std::string& line) {
  return static_cast<size_t>(
      std::ranges::count_if(line, [](char byte) { return (byte & 0xC0) != 0x80; }));
}

// What the formatter leaves alone: comments. Tables that are set by hand and raw strings may be
// wider.
TEST(Architecture, LinesHaveAtMostAHundredColumns) {
  static const std::regex raw_begins(R"(R"(\w*)\()"), raw_ends(R"(\)\w*")");
  for (const fs::path& file : sources()) {
    bool by_hand = false, raw = false;
    int number = 0;
    for (const std::string& line : lines_of(file)) {
      ++number;
      if (line.find("clang-format off") != std::string::npos) by_hand = true;
      if (line.find("clang-format on") != std::string::npos) by_hand = false;
      const bool begins = std::regex_search(line, raw_begins);
      if (!by_hand && !raw && !begins) {
        EXPECT_LE(columns_of(line), 100u) << file.string() << ":" << number;
      }
      if (begins || raw) raw = !std::regex_search(line, raw_ends);
    }
  }
}

}  // namespace
