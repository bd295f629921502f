#pragma once
// Does the tasks of a list that fall to this process, each once, however often it is started.
//
//   OUTPUT.tasks/KEY.h5          the result of a task, there only when whole; a task whose result
//                                is there is not done again
//   OUTPUT.tasks/log.jsonl       one line per task that ended, from all processes
//   OUTPUT.shard-I-of-N.h5       at the end: the results of this process's tasks in one file
//                                (data/set_file.h), which `dendrokv merge` puts together with those
//                                of the others
//   OUTPUT                       instead of that, when there is one process and nobody said --shard
//
// A failed task is listed and the others go on. Stopped by a signal, what is whole stays; the same
// command, with any number of processes, does the rest.

#include "cli/shard.h"
#include "cli/task_list.h"

namespace dendrokv {

/// `output` is the value of -o. Tasks that failed are listed on standard error and in the file.
/// Then, and where a check of a task is red, FellShort of a list that one process does by itself,
/// and Done of one that several divide; or Stopped.
ExitStatus run_tasks(const TaskList& list, Shard shard, const std::filesystem::path& output,
                     const Session& session);

}  // namespace dendrokv
