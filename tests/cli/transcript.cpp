#include "tests/cli/transcript.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>

namespace dendrokv::testing {
namespace {

std::vector<std::string> lines_of(std::istream& stream) {
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> lines_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return lines_of(stream);
}

/// Do the patterns from `p` on fit the lines from `l` on?
bool match_from(const std::vector<std::string>& patterns, size_t p,
                const std::vector<std::string>& lines, size_t l) {
  if (p == patterns.size()) return l == lines.size();
  if (patterns[p] == "...")
    return match_from(patterns, p + 1, lines, l) ||
           (l < lines.size() && match_from(patterns, p, lines, l + 1));
  return l < lines.size() && line_matches(patterns[p], lines[l]) &&
         match_from(patterns, p + 1, lines, l + 1);
}

}  // namespace

std::vector<Exchange> parse_transcript(const std::string& text) {
  std::vector<Exchange> exchanges;
  std::istringstream stream(text);
  int number = 0;
  for (const std::string& line : lines_of(stream)) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    const std::string rest = line.size() > 2 ? line.substr(2) : "";
    if (line[0] == '$') {
      exchanges.push_back({number, rest, {}, {}, 0});
      continue;
    }
    if (exchanges.empty() || (line.size() > 1 && line[1] != ' '))
      throw std::runtime_error("line " + std::to_string(number) + " is not understood: " + line);
    Exchange& exchange = exchanges.back();
    if (line[0] == '>')
      exchange.output.push_back(rest);
    else if (line[0] == '!')
      exchange.error.push_back(rest);
    else if (line[0] == '?')
      exchange.status = std::stoi(rest);
    else
      throw std::runtime_error("line " + std::to_string(number) + " is not understood: " + line);
  }
  return exchanges;
}

bool line_matches(const std::string& pattern, const std::string& line) {
  const size_t star = pattern.find('*');
  if (star == std::string::npos) return pattern == line;
  if (line.compare(0, star, pattern, 0, star) != 0) return false;
  const std::string rest = pattern.substr(star + 1);
  for (size_t start = star; start <= line.size(); ++start)
    if (line_matches(rest, line.substr(start))) return true;
  return false;
}

bool lines_match(const std::vector<std::string>& patterns, const std::vector<std::string>& lines) {
  return match_from(patterns, 0, lines, 0);
}

Answer run_command(const std::string& command, const std::filesystem::path& folder) {
  const std::string out = folder.string() + ".out", err = folder.string() + ".err";
  const std::string script = folder.string() + ".sh";
  std::ofstream(script) << "cd '" << folder.string() << "' || exit 99\n" << command << "\n";
  const std::string line = "sh '" + script + "' >'" + out + "' 2>'" + err + "' </dev/null";
  const int status = std::system(line.c_str());
  Answer answer{lines_of(std::filesystem::path(out)), lines_of(std::filesystem::path(err)), 0};
  // As a shell says it: a signal is 128 and its number.
  answer.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return answer;
}

}  // namespace dendrokv::testing
