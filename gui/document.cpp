#include "gui/document.h"

#include <QMetaObject>
#include <algorithm>
#include <malloc.h>

#include "gui/document_source.h"
#include "gui/opened_files.h"

namespace dendrokv {
namespace {

constexpr size_t kTileBytes = size_t{128} << 20;
constexpr int kWatchMilliseconds = 1000;

/// The first picture asks every lane of it: the window's thread would be busy with their indexes.
void index_first_run(const Content& content, const IoThread::Stale& stale) {
  const RunIndex& index = content.index(most_telling_run(content));
  for (const LaneId& id : all_lanes(index.run())) {
    if (stale()) return;
    index.lane(id);
  }
}

}  // namespace

Document::Document(QObject* parent)
    : QObject(parent),
      tiles_(kTileBytes),
      tile_queue_(std::make_shared<TileQueue>()),
      source_(std::make_shared<Source>()),
      io_(std::make_unique<IoThread>()) {
  watch_.setInterval(kWatchMilliseconds);
  connect(&watch_, &QTimer::timeout, this, [this] { watch(); });
}

Document::~Document() {
  stop_index();
  tile_queue_->clear();
}

template <class Read, class Keep>
void Document::ask(Topic topic, Read read, Keep keep) {
  const uint64_t id = ++state(topic).asked;
  state(topic).problem.clear();
  io_->post(topic, [this, topic, id, read, keep, source = source_](const IoThread::Stale& stale) {
    decltype(read(*source, stale)) answer{};
    QString problem;
    // Of a long text, the answer before and what a reading takes besides its own are much: the
    // allocator would keep both.
    ::malloc_trim(0);
    try {
      answer = read(*source, stale);
    } catch (const std::exception& error) {
      problem = QString::fromUtf8(error.what());
    }
    ::malloc_trim(0);
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
  map_.reset();
  ranks_.reset();
  row_wanted_.reset();
  map_wanted_.reset();
  ranks_wanted_.reset();
  stop_index();
  ++edition_;
  tile_queue_->clear();
  tiles_.clear();
  subjects_.clear();
  watch_.stop();
  replaced_ = following_ = false;
  for (State& one : states_) one.answered = ++one.asked;
  // A job that waits was asked of the trace before: it must not run on the next one.
  for (const Topic topic : {Topic::Row, Topic::Heat, Topic::Map, Topic::Rank, Topic::Index})
    io_->post(topic, [](const IoThread::Stale&) {});
}

void Document::open(const std::vector<std::filesystem::path>& files) {
  forget();
  files_ = files;
  struct Opened {
    std::shared_ptr<const Content> content;
    PyramidOrigin origin = PyramidOrigin::None;
    FileStamp stamp;
  };
  ask(
      Topic::Open,
      [files](Source& source, const IoThread::Stale& stale) -> Opened {
        source.heat.reset();
        source.trace.reset();
        const FileSet set = sort_files(files);
        const std::optional<FileStamp> stamp = file_stamp(set.trace);
        source.trace.emplace(set.trace, Incomplete::TakeWhatIsThere);
        source.heat.emplace(*source.trace, set.trace);
        auto content =
            std::make_shared<const Content>(load_content(*source.trace, set.trace, set.runs));
        index_first_run(*content, stale);
        return {std::move(content), source.heat->origin(), stamp.value_or(FileStamp{})};
      },
      [this](const Opened& opened) {
        content_ = opened.content;
        origin_ = opened.origin;
        stamp_ = opened.stamp;
        watch_.start();
        index_runs();
      });
}

/// Makes the indexes of the lanes of the other runs while nothing else is to be read: a view that
/// asks early makes its own.
void Document::index_runs() {
  io_->post(Topic::Index, [this, content = content_](const IoThread::Stale& stale) {
    const size_t first = most_telling_run(*content);
    for (size_t i = 0; i < content->runs.size(); ++i) {
      const RunIndex& index = content->index((first + i) % content->runs.size());
      for (const LaneId& id : all_lanes(index.run())) {
        io_->serve(Topic::Index);
        if (stale()) return;
        index.lane(id);
      }
    }
  });
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

void Document::want_ranks(const RankRequest& request) {
  if (!content_ || ranks_wanted_ == request) return;
  ranks_wanted_ = request;
  ask(
      Topic::Rank,
      [this, request, content = content_](Source& source, const IoThread::Stale& stale) {
        // It reads much: what is more urgent comes in between.
        return read_ranks(*source.trace, content->runs[request.run], request, [&] {
          io_->serve(Topic::Rank);
          return stale();
        });
      },
      [this](const std::shared_ptr<const RankSnapshot>& ranks) { ranks_ = ranks; });
}

QString Document::problem(Topic topic) const {
  return states_[static_cast<size_t>(topic)].problem;
}

bool Document::busy() const {
  for (const State& one : states_)
    if (one.asked != one.answered) return true;
  return content_ && tile_queue_->waiting() > 0;
}

}  // namespace dendrokv
