#include "gui/document.h"

#include <QMetaObject>

#include "data/error.h"
#include "data/runs_file.h"

namespace dendrokv {
namespace {

struct FileSet {
  std::filesystem::path trace;
  std::vector<std::filesystem::path> runs;
};

/// Which of the files is the trace.
FileSet sort_files(const std::vector<std::filesystem::path>& files) {
  FileSet set;
  for (const std::filesystem::path& file : files) {
    const FileKind kind = sniff_file(file);
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

}  // namespace

/// Used by jobs only, hence by one thread at a time.
struct Document::Source {
  std::optional<TraceReader> trace;
};

Document::Document(QObject* parent)
    : QObject(parent), source_(std::make_shared<Source>()), io_(std::make_unique<IoThread>()) {}

Document::~Document() = default;

template <class Read, class Keep>
void Document::ask(Topic topic, Read read, Keep keep) {
  const uint64_t id = ++state(topic).asked;
  state(topic).problem.clear();
  io_->post(topic, [this, topic, id, read, keep, source = source_](const IoThread::Stale& stale) {
    decltype(read(*source, stale)) answer{};
    QString problem;
    try {
      answer = read(*source, stale);
    } catch (const std::exception& error) {
      problem = QString::fromUtf8(error.what());
    }
    if (stale()) return;
    const auto deliver = [this, topic, id, keep, answer, problem] {
      if (id != state(topic).asked) return;
      if (problem.isEmpty()) keep(answer);
      answered(topic, id, problem);
    };
    QMetaObject::invokeMethod(this, deliver, Qt::QueuedConnection);
  });
}

void Document::answered(Topic topic, uint64_t id, const QString& problem) {
  state(topic).answered = id;
  state(topic).problem = problem;
  if (topic == Topic::Open) {
    if (problem.isEmpty())
      Q_EMIT opened();
    else
      Q_EMIT failed(problem);
  } else {
    Q_EMIT arrived(topic);
  }
  if (!busy()) Q_EMIT settled();
}

void Document::forget() {
  content_.reset();
  row_.reset();
  heat_.reset();
  map_.reset();
  row_wanted_.reset();
  heat_wanted_.reset();
  map_wanted_.reset();
  for (State& one : states_) one.answered = ++one.asked;
  // A job that waits was asked of the trace before: it must not run on the next one.
  for (const Topic topic : {Topic::Row, Topic::Heat, Topic::Map})
    io_->post(topic, [](const IoThread::Stale&) {});
}

void Document::open(const std::vector<std::filesystem::path>& files) {
  forget();
  ask(
      Topic::Open,
      [files](Source& source, const IoThread::Stale&) -> std::shared_ptr<const Content> {
        source.trace.reset();
        const FileSet set = sort_files(files);
        source.trace.emplace(set.trace);
        return std::make_shared<const Content>(load_content(*source.trace, set.trace, set.runs));
      },
      [this](const std::shared_ptr<const Content>& content) { content_ = content; });
}

void Document::want_row(const RowRequest& request) {
  if (!content_ || row_wanted_ == request) return;
  row_wanted_ = request;
  ask(
      Topic::Row,
      [request](Source& source, const IoThread::Stale& stale) {
        return read_row(*source.trace, request, stale);
      },
      [this](const std::shared_ptr<const RowSnapshot>& row) { row_ = row; });
}

void Document::want_heat(const HeatRequest& request) {
  if (!content_ || heat_wanted_ == request) return;
  heat_wanted_ = request;
  ask(
      Topic::Heat,
      [request](Source& source, const IoThread::Stale& stale) {
        return read_heat(*source.trace, request, stale);
      },
      [this](const std::shared_ptr<const HeatSnapshot>& heat) { heat_ = heat; });
}

void Document::want_map(size_t step_index) {
  if (!content_ || map_wanted_ == step_index) return;
  map_wanted_ = step_index;
  ask(
      Topic::Map,
      [step_index](Source& source, const IoThread::Stale& stale) {
        return read_map(*source.trace, step_index, stale);
      },
      [this](const std::shared_ptr<const MapSnapshot>& map) { map_ = map; });
}

QString Document::problem(Topic topic) const {
  return states_[static_cast<size_t>(topic)].problem;
}

bool Document::busy() const {
  for (const State& one : states_)
    if (one.asked != one.answered) return true;
  return false;
}

}  // namespace dendrokv
