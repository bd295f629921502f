#include "gui/document.h"

#include <QMetaObject>
#include <algorithm>
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/error.h"
#include "data/hdf5.h"
#include "data/runs_file.h"

namespace dendrokv {
namespace {

constexpr size_t kTileBytes = size_t{128} << 20;
constexpr int kWatchMilliseconds = 1000;

struct FileSet {
  std::filesystem::path trace;
  std::vector<std::filesystem::path> runs;
};

/// As sniff_file, but a file that is still being written, or has lost its end, counts too.
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

/// Which of the files is the trace.
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

/// The first picture asks every lane of it: the window's thread would be busy with their indexes.
void index_first_run(const Content& content, const IoThread::Stale& stale) {
  const RunIndex& index = content.index(most_telling_run(content));
  for (const LaneId& id : all_lanes(index.run())) {
    if (stale()) return;
    index.lane(id);
  }
}

/// In the first of the places that can be written to.
bool build_in_first_place(const TraceReader& trace,
                          const std::vector<std::filesystem::path>& places,
                          const IndexProgress& progress) {
  for (const std::filesystem::path& place : places) {
    std::error_code ignored;
    std::filesystem::create_directories(place.parent_path(), ignored);
    const bool last = place == places.back();
    if (last || ::access(place.parent_path().c_str(), W_OK) == 0)
      return build_pyramid_index(trace, place, progress);
  }
  return false;
}

}  // namespace

/// Used by jobs only, hence by one thread at a time.
struct Document::Source {
  std::optional<TraceReader> trace;
  std::optional<HeatSource> heat;  // borrows the trace
};

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

std::optional<FileStamp> file_stamp(const std::filesystem::path& path) {
  struct stat facts{};
  if (::stat(path.c_str(), &facts) != 0) return std::nullopt;
  return FileStamp{facts.st_dev, facts.st_ino, static_cast<uint64_t>(facts.st_size),
                   int64_t{facts.st_mtim.tv_sec} * 1'000'000'000 + facts.st_mtim.tv_nsec};
}

template <class Read, class Keep>
void Document::ask(Topic topic, Read read, Keep keep) {
  const uint64_t id = ++state(topic).asked;
  state(topic).problem.clear();
  io_->post(topic, [this, topic, id, read, keep, source = source_](const IoThread::Stale& stale) {
    decltype(read(*source, stale)) answer{};
    QString problem;
    // Of a long text, the answer before and what a reading takes besides its own are much: the allocator would keep both.
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

/// Makes the indexes of the lanes of the other runs while nothing else is to be read: a view that asks early makes its own.
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

// A finished trace never changes; another one may come in its place. One that is being written grows, and gets its final name at the end.
void Document::watch() {
  if (!content_ || replaced_ || following_) return;
  const std::optional<FileStamp> now = file_stamp(content_->file);
  if (now == stamp_) return;
  if (content_->ending == Ending::Live) return follow();
  replaced_ = true;
  Q_EMIT replaced(now ? QStringLiteral("The file was replaced on disk: reload to see the new one.")
                      : QStringLiteral("The file has gone from the disk."));
}

/// Where a recording is by now: under its name without ".part" once it is finished.
std::filesystem::path Document::current_name() const {
  const std::filesystem::path& file = content_->file;
  std::filesystem::path finished = file;
  std::error_code ignored;
  if (file.extension() == ".part" && !std::filesystem::exists(file, ignored))
    finished.replace_extension();
  return finished;
}

void Document::follow() {
  following_ = true;
  const auto job = [this, edition = edition_, file = current_name(), files = files_,
                    before = content_, source = source_](const IoThread::Stale&) {
    std::shared_ptr<const Content> content;
    const std::optional<FileStamp> stamp = file_stamp(file);
    try {
      TraceReader trace(file, Incomplete::TakeWhatIsThere);
      const bool same = trace.info().uuid == before->info.uuid;
      if (same && (trace.info().steps.size() > before->info.steps.size() || trace.info().complete)) {
        std::vector<std::filesystem::path> runs;
        for (const std::filesystem::path& one : files)
          if (one != before->file && kind_of(one) == FileKind::Runs) runs.push_back(one);
        content = std::make_shared<const Content>(load_content(trace, file, runs));
        source->heat.reset();
        source->trace = std::move(trace);
        source->heat.emplace(*source->trace, file);
      }
    } catch (const std::exception&) {
      // The writer was in the middle of something: the next look will tell.
    }
    const PyramidOrigin origin = source->heat ? source->heat->origin() : PyramidOrigin::None;
    const auto deliver = [this, edition, content, stamp, origin] {
      if (edition != edition_) return;
      following_ = false;
      if (content) take_growth(content, stamp.value_or(FileStamp{}), origin);
    };
    QMetaObject::invokeMethod(this, deliver, Qt::QueuedConnection);
  };
  io_->post(Topic::Open, job);
}

void Document::take_growth(const std::shared_ptr<const Content>& content, const FileStamp& stamp,
                           PyramidOrigin origin) {
  content_ = content;
  stamp_ = stamp;
  origin_ = origin;
  ++edition_;
  tile_queue_->clear();
  tiles_.clear();
  subjects_.clear();
  row_wanted_.reset();
  map_wanted_.reset();
  ranks_wanted_.reset();
  Q_EMIT grew();
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

uint32_t Document::heat_subject(const HeatSubject& subject) {
  const auto found = std::find(subjects_.begin(), subjects_.end(), subject);
  if (found != subjects_.end()) return static_cast<uint32_t>(found - subjects_.begin());
  subjects_.push_back(subject);
  return static_cast<uint32_t>(subjects_.size() - 1);
}

void Document::want_tiles(const void* client, const std::vector<TileKey>& keys) {
  std::vector<TileKey> lacking;
  for (const TileKey& key : keys)
    if (!tiles_.holds(key)) lacking.push_back(key);
  tile_queue_->want(client, lacking);
  if (!lacking.empty()) read_next_tile();
  if (lacking.empty() && !busy()) Q_EMIT settled();
}

// What is more urgent comes between two tiles.
void Document::read_next_tile() {
  const auto job = [this, edition = edition_, subjects = subjects_, queue = tile_queue_,
                    source = source_](const IoThread::Stale&) {
    while (const std::optional<TileKey> key = queue->take()) {
      std::shared_ptr<const HeatTile> tile;
      QString problem;
      try {
        // A subject that is newer than this job has a job of its own.
        if (key->subject < subjects.size())
          tile = source->heat->read(*key, subjects[key->subject],
                                    [&] { return !queue->wanted(*key); });
      } catch (const std::exception& error) {
        problem = QString::fromUtf8(error.what());
      }
      if (!tile && problem.isEmpty()) {
        queue->give_back(*key);
        if (key->subject >= subjects.size()) return;
        continue;
      }
      const auto deliver = [this, edition, key, tile, problem] {
        if (edition == edition_) keep_tile(*key, tile, problem);
      };
      QMetaObject::invokeMethod(this, deliver, Qt::QueuedConnection);
      io_->serve(Topic::Heat);
    }
  };
  io_->post(Topic::Heat, job);
}

// Only now it is no longer waited for: whoever hears that nothing is on its way finds it here.
void Document::keep_tile(const TileKey& key, const std::shared_ptr<const HeatTile>& tile,
                         const QString& problem) {
  tile_queue_->done(key);
  if (tile) tiles_.put(tile);
  state(Topic::Heat).problem = problem;
  Q_EMIT arrived(Topic::Heat);
  if (!busy()) Q_EMIT settled();
}

void Document::build_index() {
  if (!content_) return;
  stop_index();
  index_stop_ = std::make_shared<std::atomic<bool>>(false);
  const auto job = [this, stop = index_stop_, edition = edition_, file = content_->file,
                    places = pyramid_index_places(content_->file, content_->info.uuid),
                    source = source_](const IoThread::Stale&) {
    QString problem;
    const auto progress = [&](size_t done, size_t all) {
      QMetaObject::invokeMethod(
          this, [this, done, all] { Q_EMIT index_progress(done, all); }, Qt::QueuedConnection);
      io_->serve(Topic::Index);
      return !stop->load();
    };
    try {
      // A reader of its own: the window's serves rows and tiles in between.
      const TraceReader trace(file);
      if (!build_in_first_place(trace, places, progress)) problem = QStringLiteral("stopped");
      if (problem.isEmpty()) source->heat->find_pyramid();
    } catch (const std::exception& error) {
      problem = QString::fromUtf8(error.what());
    }
    const PyramidOrigin origin = source->heat ? source->heat->origin() : PyramidOrigin::None;
    const auto deliver = [this, edition, origin, problem] {
      if (edition != edition_) return;
      origin_ = origin;
      if (problem.isEmpty()) tiles_.clear();  // previews give way to the whole
      Q_EMIT index_built(problem);
      Q_EMIT arrived(Topic::Heat);
    };
    QMetaObject::invokeMethod(this, deliver, Qt::QueuedConnection);
  };
  io_->post(Topic::Index, job);
}

void Document::stop_index() {
  if (index_stop_) index_stop_->store(true);
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
