#include "gui/opened_files.h"

#include "data/error.h"
#include "data/hdf5.h"

namespace dendrokv {

FileKind kind_of(const std::filesystem::path& file) {
  try {
    return sniff_file(file);
  } catch (const Error&) {
    if (!std::filesystem::is_regular_file(file)) throw;
    try {
      const h5::File patient = h5::File::open(file, h5::Reading::Patient);
      const std::string format = patient.text_attribute("/", "format");
      if (format == "dendrokv-trace") return FileKind::Trace;
      if (format == "dendrokv-runs") return FileKind::Runs;
    } catch (const Error&) {
      // What the plain look said is what there is to say.
    }
    throw;
  }
}

FileSet sort_files(const std::vector<std::filesystem::path>& files) {
  FileSet set;
  for (const std::filesystem::path& file : files) {
    const FileKind kind = kind_of(file);
    if (kind == FileKind::Runs) {
      set.runs.push_back(file);
    } else if (kind == FileKind::Trace) {
      if (!set.trace.empty())
        fail(file.string(), "is a second trace beside " + set.trace.string(), "wanted one trace",
             "open one viewer for each");
      set.trace = file;
    } else {
      fail(file.string(),
           kind == FileKind::Gguf   ? "is a model"
           : kind == FileKind::Eval ? "is an evaluation"
                                    : "is an analysis",
           "wanted a trace or runs over it",
           kind == FileKind::Gguf   ? "record one with dendrokv trace"
           : kind == FileKind::Eval ? "see dendrokv info"
                                    : "see dendrokv report");
    }
  }
  if (set.trace.empty())
    fail(files.empty() ? "viewer" : files.front().string(), "no trace among the files",
         "wanted a trace", "name the trace that the runs were replayed over");
  return set;
}

}  // namespace dendrokv
