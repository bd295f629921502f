#include "data/runs_file.h"

#include <fstream>

#include "data/error.h"
#include "data/file_root.h"
#include "data/regular_file.h"
#include "data/run_group.h"

namespace dendrokv {
namespace {

constexpr uint64_t kMostRuns = 4096;

}  // namespace

void write_runs(const std::filesystem::path& path, RunsFile contents) {
  std::filesystem::path part = path;
  part += ".part";
  h5::File file = h5::File::create(part);
  FileRoot root{contents.uuid, contents.created, contents.creator, contents.command_line};
  write_root(file, "dendrokv-runs", root);
  file.write_attribute("/", "trace_uuid", contents.trace_uuid);
  file.create_group("/runs");
  file.write_attribute("/runs", "count", uint64_t{contents.runs.size()});
  for (size_t i = 0; i < contents.runs.size(); ++i)
    write_run_group(file, "/runs/" + std::to_string(i), contents.runs[i]);
  if (!contents.runs.empty()) write_default_plot(file, "/runs/0/evict_step");
  mark_complete(file);
  file.close();
  h5::publish(part, path);
}

RunsFile read_runs(const std::filesystem::path& path, Records records) {
  const h5::File file = h5::File::open(path);
  const FileRoot root = read_root(file, "dendrokv-runs");
  if (!is_complete(file))
    fail(file.name(), "is not complete", "wanted a finished file", "replay again");
  RunsFile contents{root.uuid,
                    root.created,
                    root.creator,
                    root.command_line,
                    file.text_attribute("/", "trace_uuid"),
                    {}};
  const uint64_t count = file.count_attribute("/runs", "count");
  if (count > kMostRuns)
    fail(file.name() + ": /runs", std::to_string(count) + " runs", "wanted at most 4096");
  for (uint64_t i = 0; i < count; ++i)
    contents.runs.push_back(read_run_group(file, "/runs/" + std::to_string(i), records));
  return contents;
}

FileKind sniff_file(const std::filesystem::path& path) {
  const std::string name = path.string();
  const std::filesystem::path held_in = h5::place_of(path).file;
  check_regular_file(held_in, "a model, or a file that dendrokv wrote");
  std::ifstream stream(held_in, std::ios::binary);
  char magic[4] = {};
  stream.read(magic, sizeof magic);
  if (std::string_view(magic, 4) == "GGUF") return FileKind::Gguf;
  const h5::File file = h5::File::open(path);
  if (!file.has_attribute("/", "format"))
    fail(name, "is an HDF5 file without the attribute 'format'",
         "wanted a file that dendrokv wrote");
  const std::string format = file.text_attribute("/", "format");
  if (format == "dendrokv-trace") return FileKind::Trace;
  if (format == "dendrokv-runs") return FileKind::Runs;
  if (format == "dendrokv-analysis") return FileKind::Analysis;
  if (format == "dendrokv-eval") return FileKind::Eval;
  fail(name, "has format '" + format + "'",
       "wanted dendrokv-trace, dendrokv-runs, dendrokv-analysis or dendrokv-eval");
}

}  // namespace dendrokv
