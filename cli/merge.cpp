// dendrokv merge: the results of many tasks into one file.
//
//   1. the items of all inputs, by place in the task list; of a task that two inputs hold the first
//      result is taken: they are equal
//   2. is the list whole? Failed tasks are listed and left out
//   3. one evaluation, where all results are evaluations under the same policies; else a set

#include "cli/merge.h"

#include <algorithm>
#include <iostream>
#include <map>

#include "cli/json.h"
#include "cli/make_command.h"
#include "cli/outputs.h"
#include "data/error.h"
#include "data/eval_file.h"
#include "data/identity.h"

namespace dendrokv {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSetFormat = "dendrokv-set", kEvalFormat = "dendrokv-eval";

/// A file that is no set is a task by itself.
FileSet set_of_one(const fs::path& path, uint64_t order) {
  FileSet set;
  set.tasks = 1;
  set.items.push_back(
      {order, uuid_of_file(path), path.filename().string(), format_of(path), {}, path});
  return set;
}

class Merger {
 public:
  void add(const fs::path& path) {
    if (format_of(path) != kSetFormat) {
      single_ = true;
      return add_items(set_of_one(path, by_order_.size()));
    }
    const FileSet set = read_set(path);
    if (!first_.empty() && (set.command_line != command_line_ || set.tasks != tasks_))
      fail(path.string(), "belongs to another list of tasks: " + set.command_line,
           "wanted shards of the one in " + first_ + ": " + command_line_);
    first_ = path.string();
    command_line_ = set.command_line;
    tasks_ = set.tasks;
    add_items(set);
  }

  /// By order; the failed ones apart.
  Merged sort_out(std::vector<SetItem>& items) const {
    if (single_ && !first_.empty())
      fail(first_, "a set among single files",
           "wanted shards of one list of tasks, or files alone");
    Merged merged;
    merged.tasks = single_ ? by_order_.size() : tasks_;
    for (const auto& [order, item] : by_order_) {
      items.push_back(item);
      if (item.format.empty())
        merged.failed.push_back(item);
      else
        ++merged.items;
    }
    merged.missing = merged.tasks - by_order_.size();
    return merged;
  }

  const std::string& command_line() const { return command_line_; }

 private:
  void add_items(const FileSet& set) {
    for (const SetItem& item : set.items) {
      SetItem& known = by_order_.try_emplace(item.order, item).first->second;
      if (known.key != item.key)
        fail(
            item.file.string(),
            "task " + std::to_string(item.order) + " is another one than in " + known.file.string(),
            "wanted shards over the same model, inputs and parameters");
      if (known.format.empty()) known = item;  // it was done after it had failed
    }
  }

  std::map<uint64_t, SetItem> by_order_;
  std::string first_, command_line_;
  uint64_t tasks_ = 0;
  bool single_ = false;
};

bool is_same_evaluation(const EvalFile& one, const EvalFile& other) {
  return one.protocol == other.protocol && one.model.sha256 == other.model.sha256 &&
         one.arithmetic == other.arithmetic && one.policies == other.policies &&
         one.lane_budgets == other.lane_budgets && one.reference == other.reference &&
         one.scored_from == other.scored_from && one.seed == other.seed;
}

/// Of all texts; times are left out, because they differ from run to run.
void merge_evaluations(const std::vector<SetItem>& items, const std::string& command_line,
                       const fs::path& output) {
  EvalFile all;
  std::string keys;
  for (const SetItem& item : items) {
    if (item.format.empty()) continue;
    EvalFile one = read_eval(item.file);
    if (all.policies.empty()) {
      all = one;
      all.texts.clear();
    }
    if (!is_same_evaluation(all, one))
      fail(item.file.string(), "an evaluation of other policies, another model or protocol",
           "wanted the same ones in all");
    for (EvalText& text : one.texts) {
      text.seconds = 0;
      all.texts.push_back(std::move(text));
    }
    keys += item.key + "\n";
  }
  all.uuid = uuid_of_text(keys);
  all.created = reproducible_time();
  all.creator.clear();
  all.command_line = command_line;
  write_eval(output, all);
}

std::string joined(const std::vector<SetItem>& failed) {
  std::string text;
  for (const SetItem& item : failed) text += "\n  " + item.task + ": " + item.error;
  return text;
}

class Merge : public Command {
 public:
  void declare(Options& options) override {
    options.positionals("SHARD", inputs_, "shards of a divided run, or single results");
    options.file("-o,--output", output_, "the file to write", Need::Required);
    options.flag("--partial", partial_, "take what there is, though tasks are missing");
    options.explain(
        "Shards are what `--shard I/N` of trace, analyze, eval and tune leave. Evaluations become "
        "one evaluation of all their texts. Anything else becomes a set, whose members open as "
        "FILE/item/K wherever a file of their kind does. The result depends on the tasks alone, "
        "byte by byte: not on N, on who did which, or when. Tasks that failed are listed, and the "
        "exit status is 3.");
    options.example("dendrokv merge run.shard-*.h5 -o run.h5");
  }

  ExitStatus run(const Session& session) override {
    check_output(output_, inputs_);
    const Merged merged =
        merge_sets(inputs_, output_, partial_ ? MissingTasks::Allow : MissingTasks::Refuse);
    if (!merged.failed.empty())
      say(session.verbosity, Verbosity::Quiet,
          "dendrokv: merge: " + std::to_string(merged.failed.size()) + " of " +
              std::to_string(merged.tasks) + " tasks failed:" + joined(merged.failed));
    if (session.json())
      std::cout << Json::object()
                       .set("output", output_.string())
                       .set("format", merged.format)
                       .set("tasks", merged.tasks)
                       .set("items", merged.items)
                       .set("failed", uint64_t{merged.failed.size()})
                       .set("missing", merged.missing)
                       .text()
                << "\n";
    else
      std::cout << output_.string() << "\n";
    return merged.failed.empty() ? ExitStatus::Done : ExitStatus::FellShort;
  }

 private:
  std::vector<fs::path> inputs_;
  fs::path output_;
  bool partial_ = false;
};

}  // namespace

Merged merge_sets(const std::vector<fs::path>& inputs, const fs::path& output,
                  MissingTasks missing) {
  Merger merger;
  for (const fs::path& input : inputs) merger.add(input);
  std::vector<SetItem> items;
  Merged merged = merger.sort_out(items);
  if (merged.missing > 0 && missing == MissingTasks::Refuse)
    fail(output.string(),
         std::to_string(merged.missing) + " of " + std::to_string(merged.tasks) +
             " tasks are in none of the shards",
         "wanted all of them", "run the missing shards, or take what there is with --partial");
  const bool evaluations = merged.items > 0 && std::ranges::all_of(items, [](const SetItem& item) {
                             return item.format.empty() || item.format == kEvalFormat;
                           });
  merged.format = evaluations ? kEvalFormat : kSetFormat;
  if (evaluations) {
    merge_evaluations(items, merger.command_line(), output);
    return merged;
  }
  FileSet set;
  set.command_line = merger.command_line();
  set.tasks = merged.tasks;
  set.items = std::move(items);
  write_set(output, std::move(set));
  return merged;
}

std::unique_ptr<Command> make_merge() {
  return std::make_unique<Merge>();
}

}  // namespace dendrokv
