// dendrokv view: starts the viewer as a process of its own, with everything behind the command.

#include <cerrno>
#include <cstring>
#include <unistd.h>

#include "cli/make_command.h"

namespace dendrokv {
namespace {

namespace fs = std::filesystem;

constexpr const char* kViewer = "dendrokv-view";

class View : public Command {
 public:
  void declare(Options& options) override {
    options.rest("FILE or option", words_,
                 "traces to open, and options of dendrokv-view: all are handed on as they are");
    options.explain(
        "The viewer is looked for beside this program, then in PATH. It draws a picture without a "
        "display with --render FILE.png; `dendrokv-view --help` lists its options.");
    options.example("dendrokv view trace.h5 --runs runs.h5");
  }

  ExitStatus run(const Session&) override {
    std::error_code error;
    const fs::path beside = fs::read_symlink("/proc/self/exe", error).parent_path() / kViewer;
    std::vector<char*> words{const_cast<char*>(kViewer)};
    for (std::string& word : words_) words.push_back(word.data());
    words.push_back(nullptr);
    if (fs::exists(beside, error))
      execv(beside.c_str(), words.data());
    else
      execvp(kViewer, words.data());
    const std::string reason = std::strerror(errno);
    fail(kViewer, "cannot be started: " + reason, "wanted it beside dendrokv or in PATH",
         "build it with Qt 5.15 installed: scripts/install-packages, then cmake --build");
  }

 private:
  std::vector<std::string> words_;
};

}  // namespace

std::unique_ptr<Command> make_view() {
  return std::make_unique<View>();
}

}  // namespace dendrokv
