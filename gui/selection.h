#pragma once
// What the window looks at. One value, one owner, one signal: every view draws the same selection.

#include <QObject>
#include <cstdint>
#include <optional>
#include <vector>

#include "data/ids.h"
#include "gui/content.h"

namespace dendrokv {

/// Positions of the text, both ends included.
struct PositionRange {
  Position first, last;
  bool contains(Position position) const { return first <= position && position <= last; }
  bool operator==(const PositionRange&) const = default;
};

enum class LaneScope {
  One,        // the lane (layer, lane)
  LayerMean,  // all lanes of the layer
  AllMean,    // all lanes of the model
  Set,        // those of Selection::set
};

struct Selection {
  size_t run = 0;  // place in Content::runs
  LaneScope scope = LaneScope::One;
  Layer layer;
  Lane lane;
  std::vector<LaneId> set;  // in order, each once; kept while another scope is chosen
  Step step;
  std::optional<Position> position;    // locked by a click
  std::optional<Position> hover;       // under the pointer, in any view
  std::optional<PositionRange> range;  // marked: what search found, or what a note is about
  std::vector<size_t> others;          // runs that the chosen one is compared with, two at most
  Position first_visible;              // of the shared position axis
  uint32_t visible = 0;                // positions on that axis

  std::optional<Position> focus() const { return hover ? hover : position; }
  bool operator==(const Selection&) const = default;
  /// The same but for what merely follows the pointer.
  bool same_but_hover(Selection other) const;
};

/// Whether both look at the same lanes.
bool same_lanes(const Selection& one, const Selection& other);

/// The lane, those of the layer, all, or those of the set.
std::vector<LaneId> chosen_lanes(const Run& run, const Selection& selection);

/// Where a document opens: its most telling run, middle layer and lane, last step, whole text.
Selection first_selection(const Content& content);

/// What a change leaves in the history.
enum class History {
  Record,  // a step of its own
  // One step together with changes of the same kind just before it: turns of a wheel, a slider,
  // lanes under a drag.
  Merge,
  Skip,  // nothing: what a timer does
};

class SelectionModel : public QObject {
  Q_OBJECT
 public:
  explicit SelectionModel(QObject* parent = nullptr);

  /// Starts over on a document, at `start`. Clears the history.
  void reset(const Content& content, const Selection& start);

  const Selection& now() const { return now_; }
  /// Brings `wanted` into range; emits changed() once if anything differs. What merely hovers is
  /// not undoable.
  void set(Selection wanted, History history = History::Record);
  template <class Change>
  void change(const Change& change, History history = History::Record) {
    Selection wanted = now_;
    change(wanted);
    set(wanted, history);
  }

  bool can_undo() const { return !past_.empty(); }
  bool can_redo() const { return !future_.empty(); }
  /// What hovers stays as it is.
  void undo();
  void redo();
  /// To the visible positions before the last zoom or move, whatever else has changed since.
  /// Undoable.
  void zoom_back();

 Q_SIGNALS:
  void changed(const Selection& now, const Selection& before);

 private:
  struct Extent {
    uint32_t layers, lanes;
  };
  struct Window {
    Position first;
    uint32_t visible;
  };
  /// What the last change with History::Merge changed.
  enum class Gesture { None, Scrolling, Stepping, Choosing };
  Selection bounded(Selection wanted) const;
  Gesture gesture_of(const Selection& wanted) const;
  void travel(std::vector<Selection>& from, std::vector<Selection>& to);
  void publish(const Selection& next);

  Selection now_;
  std::vector<Selection> past_, future_;
  std::vector<Window> windows_;
  Gesture gesture_ = Gesture::None;
  std::vector<Extent> runs_;
  uint32_t tokens_ = 0;
};

}  // namespace dendrokv
