#pragma once
// Constructors of the commands, one per file, for the table in cli/commands.cpp.

#include <memory>

#include "cli/command.h"

namespace dendrokv {

std::unique_ptr<Command> make_info();
std::unique_ptr<Command> make_tokenize();
std::unique_ptr<Command> make_generate();
std::unique_ptr<Command> make_trace();
std::unique_ptr<Command> make_replay();
std::unique_ptr<Command> make_analyze();
std::unique_ptr<Command> make_merge();
std::unique_ptr<Command> make_recover();
std::unique_ptr<Command> make_report();
std::unique_ptr<Command> make_check();
std::unique_ptr<Command> make_logits();
std::unique_ptr<Command> make_eval();
std::unique_ptr<Command> make_eval_needle();
std::unique_ptr<Command> make_eval_spans();
std::unique_ptr<Command> make_tune();
std::unique_ptr<Command> make_tune_budgets();
std::unique_ptr<Command> make_view();
std::unique_ptr<Command> make_policies();
std::unique_ptr<Command> make_models();
std::unique_ptr<Command> make_wavelets();

}  // namespace dendrokv
