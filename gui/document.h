#pragma once
// The opened trace. Files are touched by one I/O thread only; the window gets immutable snapshots and is
// never blocked. Asking for what is already there or on its way costs nothing; answers to requests that
// have been replaced are dropped.

#include <QObject>
#include <QString>
#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "gui/content.h"
#include "gui/io_thread.h"
#include "gui/trace_queries.h"

namespace dendrokv {

class Document : public QObject {
  Q_OBJECT
 public:
  explicit Document(QObject* parent = nullptr);
  ~Document() override;

  /// One trace and any number of runs files, in any order. Ends in opened() or failed().
  void open(const std::vector<std::filesystem::path>& files);

  /// Nothing until opened().
  const Content* content() const { return content_.get(); }

  void want_row(const RowRequest& request);
  void want_heat(const HeatRequest& request);
  void want_map(size_t step_index);
  /// The newest answers; may belong to an earlier request (compare `request`) while one is on its way.
  const RowSnapshot* row() const { return row_.get(); }
  const HeatSnapshot* heat() const { return heat_.get(); }
  std::shared_ptr<const HeatSnapshot> shared_heat() const { return heat_; }
  const MapSnapshot* map() const { return map_.get(); }

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

 private:
  struct Source;  // lives on the I/O thread
  struct State {
    uint64_t asked = 0, answered = 0;
    QString problem;
  };
  State& state(Topic topic) { return states_[static_cast<size_t>(topic)]; }
  /// Runs `read` on the I/O thread and `keep` with its answer on this one, unless it was replaced by then.
  template <class Read, class Keep>
  void ask(Topic topic, Read read, Keep keep);
  void answered(Topic topic, uint64_t id, const QString& problem);
  void forget();

  std::shared_ptr<const Content> content_;
  std::shared_ptr<const RowSnapshot> row_;
  std::shared_ptr<const HeatSnapshot> heat_;
  std::shared_ptr<const MapSnapshot> map_;
  std::optional<RowRequest> row_wanted_;
  std::optional<HeatRequest> heat_wanted_;
  std::optional<size_t> map_wanted_;
  std::array<State, kTopics> states_;
  std::shared_ptr<Source> source_;
  std::unique_ptr<IoThread> io_;  // last: ends before what its jobs use
};

}  // namespace dendrokv

Q_DECLARE_METATYPE(dendrokv::Topic)
