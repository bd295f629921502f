// The table of launchers. To add one: a row with the variables that hold a process's rank and the
// number of processes.
//
// The ranks of a step come from the first row whose variables are set. MPI comes before Slurm:
// mpirun within a Slurm job starts its daemons as a Slurm step, and its processes inherit that
// step's variables. A Slurm array divides once more, around the steps.

#include "cli/shard.h"

#include <charconv>
#include <cstdlib>

#include "cli/options.h"

namespace dendrokv {
namespace {

struct Launcher {
  const char* name;
  const char* rank;
  const char* size;
};

constexpr Launcher kLaunchers[] = {
    {"OpenMPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
    {"PMI", "PMI_RANK", "PMI_SIZE"},
    {"Slurm step", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"},
    {"Slurm step", "SLURM_PROCID", "SLURM_NTASKS"},
};

uint64_t number(const std::string& name, const std::string& text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size())
    fail("$" + name, "'" + text + "'", "wanted a whole number", "say the shard with --shard I/N");
  return value;
}

// A batch script has the variables of its job, SLURM_NTASKS too, but is one process.
bool is_batch_script(const Environment& environment) {
  return environment("SLURM_JOB_ID") && !environment("SLURM_STEP_ID");
}

Shard step_shard(const Environment& environment) {
  for (const Launcher& launcher : kLaunchers) {
    const auto rank = environment(launcher.rank), size = environment(launcher.size);
    if (!rank || !size) continue;
    const bool slurm = std::string_view(launcher.rank) == "SLURM_PROCID";
    if (slurm && is_batch_script(environment)) continue;
    Shard shard{number(launcher.rank, *rank), number(launcher.size, *size), launcher.name, true};
    if (shard.index >= shard.count)
      fail(std::string("$") + launcher.rank, *rank,
           "wanted less than $" + std::string(launcher.size) + ", " + *size);
    return shard;
  }
  return {};
}

Shard array_shard(const Environment& environment) {
  const auto id = environment("SLURM_ARRAY_TASK_ID"), count = environment("SLURM_ARRAY_TASK_COUNT");
  if (!id || !count) return {};
  const auto read = [&](const char* name, uint64_t otherwise) {
    const auto text = environment(name);
    return text ? number(name, *text) : otherwise;
  };
  const uint64_t place = number("SLURM_ARRAY_TASK_ID", *id);
  const uint64_t lowest = read("SLURM_ARRAY_TASK_MIN", 0), step = read("SLURM_ARRAY_TASK_STEP", 1);
  Shard shard{0, number("SLURM_ARRAY_TASK_COUNT", *count), "Slurm array", false};
  if (place >= lowest && step > 0) shard.index = (place - lowest) / step;
  const bool even = place >= lowest && step > 0 && (place - lowest) % step == 0;
  if (!even || shard.index >= shard.count)
    fail("$SLURM_ARRAY_TASK_ID", *id,
         "wanted a place in an even range of " + *count + " from " + std::to_string(lowest),
         "say the shard with --shard I/N");
  return shard;
}

Shard given_shard(const std::string& option) {
  const size_t slash = option.find('/');
  Shard shard{0, 0, "--shard", false};
  const char* const text = option.data();
  const char* const end = text + option.size();
  const bool readable =
      slash != std::string::npos &&
      std::from_chars(text, text + slash, shard.index).ptr == text + slash && slash > 0 &&
      std::from_chars(text + slash + 1, end, shard.count).ptr == end && text + slash + 1 != end;
  if (!readable || shard.count == 0 || shard.index >= shard.count)
    fail_usage("--shard", "'" + option + "'", "wanted I/N with I from 0 to N - 1, or auto");
  return shard;
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

Shard find_shard(const std::string& option, const Environment& environment) {
  if (!option.empty() && option != "auto") return given_shard(option);
  const Shard step = step_shard(environment), array = array_shard(environment);
  if (array.count == 1) return step;
  if (step.count == 1) return array;
  return {array.index * step.count + step.index, array.count * step.count,
          array.origin + " of " + step.origin + "s", true};
}

}  // namespace dendrokv
