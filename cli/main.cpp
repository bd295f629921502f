// The program `dendrokv`: cli/commands.cpp has the table of what it can do.

#include <algorithm>
#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <vector>

#include "cli/program.h"

namespace {

/// A stream that the caller has closed is taken by /dev/null, opened the other way round: writing
/// to standard output still fails. Else the next file that is opened, a model or a trace, would be
/// the stream that texts are printed to.
void take_closed_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(stream, F_GETFD) < 0 && open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY) < 0)
      return;
}

}  // namespace

int main(int count, char** words) {
  take_closed_streams();
  const std::vector<std::string> arguments(words + std::min(count, 1), words + count);
  return static_cast<int>(dendrokv::run_program(arguments));
}
