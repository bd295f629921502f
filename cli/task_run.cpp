#include "cli/task_run.h"

#include <chrono>
#include <fcntl.h>
#include <iostream>
#include <map>
#include <new>
#include <set>
#include <sstream>
#include <unistd.h>

#include "cli/format.h"
#include "cli/inputs.h"
#include "cli/json.h"
#include "cli/merge.h"
#include "cli/outputs.h"
#include "cli/program.h"
#include "cli/stop.h"
#include "cli/task_dealer.h"
#include "data/identity.h"
#include "data/set_file.h"

namespace dendrokv {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// out.h5 -> out.shard-1-of-4.h5
fs::path with_part(const fs::path& output, const std::string& part) {
  fs::path name = output.stem();
  name += "." + part;
  name += output.extension();
  return output.parent_path() / name;
}

fs::path shard_path(const fs::path& output, const Shard& shard) {
  return with_part(output, "shard-" + std::to_string(shard.index) + "-of-" +
                               std::to_string(shard.count));
}

/// Takes what is written to standard output while it lives.
class TakenOutput {
 public:
  TakenOutput() : before_(std::cout.rdbuf(taken_.rdbuf())) {}
  ~TakenOutput() { std::cout.rdbuf(before_); }
  TakenOutput(const TakenOutput&) = delete;
  TakenOutput& operator=(const TakenOutput&) = delete;
  std::string text() const { return taken_.str(); }

 private:
  std::ostringstream taken_;
  std::streambuf* before_;
};

/// One line at the end of a file that several processes write to.
void append_line(const fs::path& path, const std::string& line) {
  const std::string text = line + "\n";
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  const bool whole =
      file >= 0 && write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (file >= 0) close(file);
  if (!whole) fail(path.string(), "cannot be written to", "wanted room for a line");
}

/// What a killed process left: a command that goes on from its .part file would trip over it.
void remove_broken_part(fs::path path) {
  path += ".part";
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return;
  try {
    format_of(path);
  } catch (const Error&) {
    fs::remove(path, ignored);
  }
}

class TaskRun {
 public:
  /// `packed`: where the results of this process will be.
  TaskRun(const TaskList& list, const fs::path& output, const fs::path& packed,
          const Session& session)
      : list_(list),
        output_(output),
        own_(packed),
        folder_(output),
        session_(session),
        task_session_(session) {
    folder_.replace_extension();
    folder_ += ".tasks";
    check_output(output, {});
    std::error_code ignored;
    fs::create_directories(folder_, ignored);
    if (!fs::is_directory(folder_, ignored))
      fail(folder_.string(), "cannot be made", "wanted a folder for the results of tasks");
    task_session_.verbosity = Verbosity::Quiet;
    task_session_.form = OutputForm::Json;
    task_session_.created = reproducible_time();
    task_session_.models = &models_;
    take_items(own_, &own_items_);
    take_items(output_, &own_items_);
    find_packed();
  }

  /// False when a signal stopped it.
  bool work(TaskDealer& dealer, const Progress& progress) {
    while (const auto order = dealer.next()) {
      const Task& task = list_.tasks[*order];
      if (stop_requested() || progress(done_.size(), list_.tasks.size()) == Continue::Stop)
        return false;
      if (packed_.contains(task.key)) {
        ++skipped_;
        continue;
      }
      if (is_there(result_of(task)))
        ++skipped_;
      else if (!run(task))
        return false;
      done_.push_back(&task);
    }
    return true;
  }

  /// The results of this process's tasks in one file; also those that were in it before.
  void pack(const Shard& shard) const {
    if (done_.empty() && !own_items_.empty() && fs::exists(own_)) return;
    FileSet set;
    set.items = own_items_;
    set.command_line = list_.text;
    set.tasks = list_.tasks.size();
    set.shard = shard.text();
    for (const Task* task : done_) {
      SetItem item{task->order, task->key, task->text, {}, {}, result_of(*task)};
      const auto failed = failed_.find(task->order);
      if (failed == failed_.end())
        item.format = format_of(item.file);
      else
        item.error = failed->second;
      set.items.push_back(std::move(item));
    }
    write_set(own_, std::move(set));
  }

  /// What is in the packed file need not be kept twice.
  void remove_results() const {
    std::error_code ignored;
    for (const Task* task : done_) fs::remove(result_of(*task), ignored);
  }

  size_t done() const { return done_.size() - failed_.size(); }
  uint64_t skipped() const { return skipped_; }
  const std::map<uint64_t, std::string>& failed() const { return failed_; }
  const fs::path& folder() const { return folder_; }

 private:
  fs::path result_of(const Task& task) const { return folder_ / (task.key.substr(0, 32) + ".h5"); }
  static bool is_there(const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored);
  }

  /// What is whole in a set of this list; nothing from a file that is none.
  void take_items(const fs::path& path, std::vector<SetItem>* items) {
    if (!is_there(path) || format_of(path) != "dendrokv-set") return;
    const FileSet set = read_set(path);
    if (set.command_line != list_.text || set.tasks != list_.tasks.size()) return;
    for (const SetItem& item : set.items) {
      if (item.format.empty() || item.order >= list_.tasks.size() ||
          list_.tasks[item.order].key != item.key)
        continue;
      if (packed_.insert(item.key).second && items != nullptr) items->push_back(item);
    }
  }

  /// Tasks that are whole in the files of other processes.
  void find_packed() {
    const std::string first = output_.stem().string() + ".shard-";
    const fs::path folder = output_.has_parent_path() ? output_.parent_path() : fs::path(".");
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (!entry.path().filename().string().starts_with(first) ||
          entry.path().extension() != output_.extension())
        continue;
      take_items(entry.path(), nullptr);
    }
  }

  /// False when a signal stopped it.
  bool run(const Task& task) {
    const auto start = Clock::now();
    std::string error, answer;
    try {
      task_session_.uuid = uuid_of_text(task.key);
      std::vector<std::string> arguments = task.arguments;
      arguments.push_back("--output=" + result_of(task).string());
      remove_broken_part(result_of(task));
      const TakenOutput taken;
      const ExitStatus status = run_one(list_.command, arguments, task_session_, task.text);
      if (status == ExitStatus::Stopped) return false;
      answer = taken.text();
    } catch (const UsageError&) {
      throw;  // of the command line, so of all tasks
    } catch (const std::bad_alloc&) {
      error = "memory: not enough";
    } catch (const std::exception& problem) {
      error = problem.what();
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    report(task, seconds, answer, error);
    return true;
  }

  void report(const Task& task, double seconds, const std::string& answer,
              const std::string& error) {
    Json line = Json::object()
                    .set("task", task.text)
                    .set("order", task.order)
                    .set("key", task.key)
                    .set("state", error.empty() ? "done" : "failed")
                    .set("ended", utc_now())
                    .set("seconds", seconds);
    if (error.empty())
      line.set("result", Json::parse(answer));
    else
      line.set("error", error);
    append_line(folder_ / "log.jsonl", line.text());
    if (error.empty()) return;
    failed_.emplace(task.order, error);
    say(session_.verbosity, Verbosity::Quiet, "dendrokv: task failed: " + task.text + ": " + error);
  }

  const TaskList& list_;
  const fs::path output_, own_;
  fs::path folder_;
  const Session& session_;
  Session task_session_;
  ModelKeeper models_;
  std::set<std::string> packed_;            // keys
  std::vector<SetItem> own_items_;          // that were in the file of this process before
  std::vector<const Task*> done_;           // by this process, in this run or one before; failed ones too
  std::map<uint64_t, std::string> failed_;  // by order: why
  uint64_t skipped_ = 0;
};

void print(const Session& session, const TaskRun& run, const TaskList& list, const Shard& shard,
           const fs::path& output, double seconds) {
  if (!session.json()) {
    session.note(list.command + ": " + std::to_string(run.done()) + " of " +
                 std::to_string(list.tasks.size()) + " tasks by " +
                 (shard.count == 1 ? "this process" : "process " + shard.text()) + ", " +
                 std::to_string(run.skipped()) + " of them done before, " +
                 std::to_string(run.failed().size()) + " failed, in " + significant(seconds) + " s");
    std::cout << output.string() << "\n";
    return;
  }
  Json failed = Json::array();
  for (const auto& [order, error] : run.failed())
    failed.add(Json::object().set("task", list.tasks[order].text).set("error", error));
  std::cout << Json::object()
                   .set("output", output.string())
                   .set("shard", shard.text())
                   .set("tasks", uint64_t{list.tasks.size()})
                   .set("done", uint64_t{run.done()})
                   .set("skipped", run.skipped())
                   .set("failed", failed)
                   .set("seconds", seconds)
                   .text()
            << "\n";
}

}  // namespace

ExitStatus run_tasks(const TaskList& list, Shard shard, const fs::path& output,
                     const Session& session) {
  const auto start = Clock::now();
  const StopOnSignals signals;
  const bool merges = shard.origin.empty();
  std::unique_ptr<TaskDealer> dealer = deal_by_mpi(shard, list.tasks.size());
  if (!dealer) dealer = deal_by_turns(shard, list.tasks.size());
  const fs::path packed = shard_path(output, shard);
  TaskRun run(list, output, packed, session);
  ProgressLine progress(list.command, "tasks", session.verbosity);
  const bool whole = run.work(*dealer, progress.callback());
  progress.clear();
  if (!whole) {
    say(session.verbosity, Verbosity::Quiet,
        "dendrokv: " + list.command + ": stopped after " + std::to_string(run.done()) +
            " tasks; " + run.folder().string() + " holds them; the same command does the rest");
    return ExitStatus::Stopped;
  }
  run.pack(shard);
  run.remove_results();
  if (merges) {
    merge_sets({packed}, output, MissingTasks::Refuse);
    fs::remove(packed);
  }
  print(session, run, list, shard, merges ? output : packed,
        std::chrono::duration<double>(Clock::now() - start).count());
  return ExitStatus::Done;
}

}  // namespace dendrokv
