// The document's tiles of the heat map, and the index that makes the coarse ones exact.

#include <QMetaObject>
#include <algorithm>
#include <unistd.h>

#include "gui/document.h"
#include "gui/document_source.h"

namespace dendrokv {
namespace {

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

}  // namespace dendrokv
