#pragma once
// What the window looks at. One value, one owner, one signal: every view draws the same selection.

#include <QObject>
#include <cstdint>
#include <optional>
#include <vector>

#include "data/ids.h"
#include "gui/content.h"

namespace dendrokv {

enum class LaneScope {
  One,        // the lane (layer, lane)
  LayerMean,  // all lanes of the layer
  AllMean,    // all lanes of the model
};

struct Selection {
  size_t run = 0;  // place in Content::runs
  LaneScope scope = LaneScope::One;
  Layer layer;
  Lane lane;
  Step step;
  std::optional<Position> position;  // locked by a click
  std::optional<Position> hover;     // under the pointer, in any view
  Position first_visible;            // of the shared position axis
  uint32_t visible = 0;              // positions on that axis

  std::optional<Position> focus() const { return hover ? hover : position; }
  bool operator==(const Selection&) const = default;
  /// The same but for what merely follows the pointer.
  bool same_but_hover(Selection other) const;
};

/// Where a document opens: its most telling run, middle layer and lane, last step, whole text.
Selection first_selection(const Content& content);

class SelectionModel : public QObject {
  Q_OBJECT
 public:
  explicit SelectionModel(QObject* parent = nullptr);

  /// Starts over on a document, at `start`. Clears the history.
  void reset(const Content& content, const Selection& start);

  const Selection& now() const { return now_; }
  /// Brings `wanted` into range; emits changed() once if anything differs. What merely hovers is not undoable.
  void set(Selection wanted);
  template <class Change>
  void change(const Change& change) {
    Selection wanted = now_;
    change(wanted);
    set(wanted);
  }

  bool can_undo() const { return !past_.empty(); }
  bool can_redo() const { return !future_.empty(); }
  /// What hovers stays as it is.
  void undo();
  void redo();

 Q_SIGNALS:
  void changed(const Selection& now, const Selection& before);

 private:
  struct Extent {
    uint32_t layers, lanes;
  };
  Selection bounded(Selection wanted) const;
  void publish(const Selection& next);

  Selection now_;
  std::vector<Selection> past_, future_;
  std::vector<Extent> runs_;
  uint32_t tokens_ = 0;
};

}  // namespace dendrokv
