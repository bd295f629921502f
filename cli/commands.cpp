// The table of commands. To add one:
//   1. cli/NAME.cpp (of a command of two words cli/FIRST_SECOND.cpp): a class derived from Command
//      whose declare() says its options (cli/options.h) and whose run() does the work, and its
//      make_NAME(); declare that in cli/make_command.h and add the file to cli/CMakeLists.txt
//   2. a row here
//   3. tests/cli/NAME.test (FIRST_SECOND.test): what it prints and how it ends
// The help and the parser find it there.

#include "cli/commands.h"

#include <array>
#include <vector>

#include "cli/make_command.h"

namespace dendrokv {
namespace {

// clang-format off
constexpr std::array kTable{
    CommandRow{"info", "say what a model, trace, runs, analysis or eval file holds", make_info},
    CommandRow{"tokenize", "turn text into token ids and pieces", make_tokenize},
    CommandRow{"generate", "write text with the model under a cache policy", make_generate},
    CommandRow{"trace", "run the instrumented model over a text and record its attention", make_trace, "--text,--ids"},
    CommandRow{"replay", "run cache policies over the attention of a trace (open loop)", make_replay},
    CommandRow{"analyze", "measure how contributions vary along the text, per wavelet band", make_analyze, "TRACE"},
    CommandRow{"report", "write one self-contained page about traces, runs and analyses", make_report},
    CommandRow{"eval", "measure the loss of a text under cache policies, in one pass (closed loop)", make_eval, "--text,--ids"},
    CommandRow{"eval needle", "plant facts in a long text and ask for them under cache policies", make_eval_needle},
    CommandRow{"eval spans", "measure how much of named parts of a prompt cache policies keep", make_eval_spans},
    CommandRow{"tune", "find the policy setting that suits your texts under a budget of bytes", make_tune, "--budget"},
    CommandRow{"tune budgets", "share a budget of bytes out among the lanes of a model", make_tune_budgets},
    CommandRow{"recover", "make a whole trace of what a stopped run left", make_recover},
    CommandRow{"merge", "put the results of many tasks together", make_merge},
    CommandRow{"logits", "write the model's distribution after each token of a text", make_logits},
    CommandRow{"check", "audit the invariants of a file, green or red", make_check},
    CommandRow{"view", "start the viewer", make_view},
    CommandRow{"policies", "list the cache policies with their options", make_policies},
    CommandRow{"wavelets", "list the wavelets that transforms can use", make_wavelets},
    CommandRow{"models", "list the supported architectures and tensor types", make_models},
};
// clang-format on

}  // namespace

std::span<const CommandRow> command_table() {
  return kTable;
}

size_t words_of_command(std::span<const std::string> words) {
  if (words.size() < 2) return 1;
  const std::string both = words[0] + " " + words[1];
  for (const CommandRow& row : kTable)
    if (row.name == both) return 2;
  return 1;
}

const CommandRow& find_command(std::string_view name) {
  std::vector<std::string_view> known;
  for (const CommandRow& row : kTable) {
    if (row.name == name) return row;
    known.push_back(row.name);
  }
  fail_usage("command '" + std::string(name) + "'", "not known", did_you_mean(name, known),
             "see dendrokv --help");
}

}  // namespace dendrokv
