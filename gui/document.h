#pragma once
// The opened trace. Files are touched by one I/O thread only; the window gets immutable snapshots
// and tiles and is never blocked. Asking for what is already there or on its way costs nothing;
// answers to requests that have been replaced are dropped.

#include <QObject>
#include <QString>
#include <QTimer>
#include <array>
#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "gui/content.h"
#include "gui/heat_source.h"
#include "gui/io_thread.h"
#include "gui/rival_ranks.h"
#include "gui/tile_cache.h"
#include "gui/trace_queries.h"

namespace dendrokv {

/// What tells one file of a name from the next.
struct FileStamp {
  uint64_t device = 0, inode = 0, bytes = 0;
  int64_t changed = 0;  // ns
  bool operator==(const FileStamp&) const = default;
};
/// Nothing when there is no such file.
std::optional<FileStamp> file_stamp(const std::filesystem::path& path);

class Document : public QObject {
  Q_OBJECT
 public:
  explicit Document(QObject* parent = nullptr);
  ~Document() override;

  /// Another number for each content: what was made of one is not for the next.
  uint64_t edition() const { return edition_; }

  /// One trace and any number of runs files, in any order. Ends in opened() or failed().
  void open(const std::vector<std::filesystem::path>& files);

  /// Nothing until opened().
  const Content* content() const { return content_.get(); }
  std::shared_ptr<const Content> shared_content() const { return content_; }

  void want_row(const RowRequest& request);
  void want_map(size_t step_index);
  void want_ranks(const RankRequest& request);
  /// The newest answers; may belong to an earlier request (compare `request`) while one is on its
  /// way.
  const RowSnapshot* row() const { return row_.get(); }
  const MapSnapshot* map() const { return map_.get(); }
  const RankSnapshot* ranks() const { return ranks_.get(); }

  /// The number that stands for a subject in tile keys, for as long as the document is open.
  uint32_t heat_subject(const HeatSubject& subject);
  const HeatSubject& heat_subject(uint32_t number) const { return subjects_[number]; }
  /// What `client` looks at now, in order of urgency; replaces what it wanted before. Tiles that
  /// are there already cost nothing; each other one is announced by arrived(Topic::Heat).
  void want_tiles(const void* client, const std::vector<TileKey>& keys);
  /// Null while it is not there.
  std::shared_ptr<const HeatTile> tile(const TileKey& key) { return tiles_.find(key); }
  const TileCache::Counters& tile_counters() const { return tiles_.counters(); }
  size_t tiles_waiting() const { return tile_queue_->waiting(); }

  PyramidOrigin pyramid_origin() const { return origin_; }
  /// Builds the pyramid that the trace lacks, in a file beside it. Ends in index_built().
  void build_index();
  void stop_index();

  /// Why the newest request of a topic was not answered; empty when it was, or is on its way.
  QString problem(Topic topic) const;
  /// Something has been asked for and not been answered.
  bool busy() const;

 Q_SIGNALS:
  void opened();
  void failed(const QString& message);
  /// A snapshot arrived, or the reason why there is none.
  void arrived(Topic topic);
  void settled();  // busy() became false
  void index_progress(size_t done, size_t all);
  /// Empty = it is there, and used from now on.
  void index_built(const QString& problem);
  /// The trace's file is not the one that was opened any more: it was replaced, or has gone.
  void replaced(const QString& what);
  /// The recorder has written more steps; content() is new.
  void grew();

 private:
  struct Source;  // lives on the I/O thread
  struct State {
    uint64_t asked = 0, answered = 0;
    QString problem;
  };
  State& state(Topic topic) { return states_[static_cast<size_t>(topic)]; }
  /// Runs `read` on the I/O thread and `keep` with its answer on this one, unless it was replaced
  /// by then.
  template <class Read, class Keep>
  void ask(Topic topic, Read read, Keep keep);
  void answered(Topic topic, uint64_t id, const QString& problem);
  void forget();
  void read_next_tile();
  void keep_tile(const TileKey& key, const std::shared_ptr<const HeatTile>& tile,
                 const QString& problem);
  void watch();
  void follow();
  std::filesystem::path current_name() const;
  void take_growth(const std::shared_ptr<const Content>& content, const FileStamp& stamp,
                   PyramidOrigin origin);
  void index_runs();

  std::shared_ptr<const Content> content_;
  std::shared_ptr<const RowSnapshot> row_;
  std::shared_ptr<const MapSnapshot> map_;
  std::optional<RowRequest> row_wanted_;
  std::optional<size_t> map_wanted_;
  std::shared_ptr<const RankSnapshot> ranks_;
  std::optional<RankRequest> ranks_wanted_;
  std::vector<HeatSubject> subjects_;
  TileCache tiles_;
  std::shared_ptr<TileQueue> tile_queue_;
  uint64_t edition_ = 0;
  PyramidOrigin origin_ = PyramidOrigin::None;
  std::shared_ptr<std::atomic<bool>> index_stop_;
  std::array<State, kTopics> states_;
  QTimer watch_;
  FileStamp stamp_;  // of the trace when it was opened
  bool replaced_ = false, following_ = false;
  std::vector<std::filesystem::path> files_;
  std::shared_ptr<Source> source_;
  std::unique_ptr<IoThread> io_;  // last: ends before what its jobs use
};

}  // namespace dendrokv

Q_DECLARE_METATYPE(dendrokv::Topic)
