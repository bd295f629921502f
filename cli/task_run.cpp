#include "cli/task_run.h"

#include <chrono>
#include <iostream>
#include <new>
#include <sstream>

#include "cli/format.h"
#include "cli/inputs.h"
#include "cli/json.h"
#include "cli/merge.h"
#include "cli/program.h"
#include "cli/stop.h"
#include "cli/task_dealer.h"
#include "cli/task_store.h"
#include "data/identity.h"

namespace dendrokv {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

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

class TaskRun {
 public:
  TaskRun(const TaskList& list, const TaskStore& store, const Session& session)
      : list_(list), store_(store), session_(session), task_session_(session) {
    task_session_.verbosity = Verbosity::Silent;
    task_session_.form = OutputForm::Json;
    task_session_.created = reproducible_time();
    task_session_.models = &models_;
  }

  /// False when a signal stopped it.
  bool work(TaskDealer& dealer, const Progress& progress) {
    while (const auto order = dealer.next()) {
      const Task& task = list_.tasks[*order];
      if (stop_requested() || progress(ended_.size(), list_.tasks.size()) == Continue::Stop)
        return false;
      if (store_.is_packed(task)) {
        ++skipped_;
        continue;
      }
      if (store_.has_result(task)) {
        ++skipped_;
        ended_.push_back({&task, {}});
      } else if (!run(task)) {
        return false;
      }
    }
    return true;
  }

  /// In this run or one before; failed ones too.
  std::span<const EndedTask> ended() const { return ended_; }
  size_t done() const { return ended_.size() - failed().size(); }
  uint64_t skipped() const { return skipped_; }
  /// Whether a check that a task of this run was asked for is red.
  bool fell_short() const { return fell_short_; }
  std::vector<EndedTask> failed() const {
    std::vector<EndedTask> failed;
    for (const EndedTask& one : ended_)
      if (!one.error.empty()) failed.push_back(one);
    return failed;
  }

 private:
  /// False when a signal stopped it.
  bool run(const Task& task) {
    const auto start = Clock::now();
    std::string error, answer;
    try {
      task_session_.uuid = uuid_of_text(task.key);
      std::vector<std::string> arguments = task.arguments;
      arguments.push_back("--output=" + store_.result_of(task).string());
      store_.remove_broken_part(task);
      const TakenOutput taken;
      const ExitStatus status = run_one(list_.command, arguments, task_session_, task.text);
      if (status == ExitStatus::Stopped) return false;
      if (status == ExitStatus::FellShort) fell_short_ = true;
      answer = taken.text();
    } catch (const UsageError&) {
      throw;  // of the command line, so of all tasks
    } catch (const std::bad_alloc&) {
      error = "memory: not enough";
    } catch (const std::exception& problem) {
      error = problem.what();
    }
    report(task, std::chrono::duration<double>(Clock::now() - start).count(), answer, error);
    ended_.push_back({&task, error});
    return true;
  }

  void report(const Task& task, double seconds, const std::string& answer,
              const std::string& error) const {
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
    store_.log(line.text());
    if (error.empty()) return;
    say(session_.verbosity, Verbosity::Quiet, "dendrokv: task failed: " + task.text + ": " + error);
  }

  const TaskList& list_;
  const TaskStore& store_;
  const Session& session_;
  Session task_session_;
  ModelKeeper models_;
  std::vector<EndedTask> ended_;
  uint64_t skipped_ = 0;
  bool fell_short_ = false;
};

void print(const Session& session, const TaskRun& run, const TaskList& list, const Shard& shard,
           const fs::path& output, double seconds) {
  if (!session.json()) {
    session.note(list.command + ": " + std::to_string(run.done()) + " of " +
                 std::to_string(list.tasks.size()) + " tasks by " +
                 (shard.count == 1 ? "this process" : "process " + shard.text()) + ", " +
                 std::to_string(run.skipped()) + " of them done before, " +
                 std::to_string(run.failed().size()) + " failed, in " + significant(seconds) +
                 " s");
    std::cout << output.string() << "\n";
    return;
  }
  Json failed = Json::array();
  for (const auto& [task, error] : run.failed())
    failed.add(Json::object().set("task", task->text).set("error", error));
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
  TaskStore store(list, output, packed);
  TaskRun run(list, store, session);
  ProgressLine progress(list.command, "tasks", session.verbosity);
  const bool whole = run.work(*dealer, progress.callback());
  progress.clear();
  if (!whole) {
    say(session.verbosity, Verbosity::Quiet,
        "dendrokv: " + list.command + ": stopped after " + std::to_string(run.done()) + " of " +
            std::to_string(list.tasks.size()) + " tasks; " + store.folder().string() +
            " holds what is done; the same command does the rest");
    return ExitStatus::Stopped;
  }
  store.pack(run.ended(), shard);
  store.remove_results(run.ended());
  if (merges) {
    merge_sets({packed}, output, MissingTasks::Refuse);
    fs::remove(packed);
  }
  print(session, run, list, shard, merges ? output : packed,
        std::chrono::duration<double>(Clock::now() - start).count());
  // Of a divided run `merge` says so: launchers kill the other ranks when one ends with anything
  // but 0.
  const bool red = merges && (run.fell_short() || !run.failed().empty());
  return red ? ExitStatus::FellShort : ExitStatus::Done;
}

}  // namespace dendrokv
