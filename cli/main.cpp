// The program `dendrokv`: cli/commands.cpp has the table of what it can do.

#include <algorithm>
#include <string>
#include <vector>

#include "cli/program.h"

int main(int count, char** words) {
  const std::vector<std::string> arguments(words + std::min(count, 1), words + count);
  return static_cast<int>(dendrokv::run_program(arguments));
}
