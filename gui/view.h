#pragma once
// A view: a titled panel that draws the document under the selection. It knows the SelectionModel
// and the Document, and no other view.
//
// Painting has two passes. The back pass (data) is kept as a picture until refresh(); the front
// pass (crosshair, marks) is drawn over it each time, so that following the pointer costs no data
// work.

#include <QImage>
#include <QWidget>
#include <memory>
#include <optional>

#include "gui/alignment.h"
#include "gui/document.h"
#include "gui/kinship.h"
#include "gui/marks.h"
#include "gui/selection.h"
#include "gui/style.h"

namespace dendrokv {

/// How the back pass reaches the device.
enum class PaintMode {
  Cached,  // through a picture of the panel
  Direct,  // at once: for vector output
};
/// Whether the level is written under each kept token.
enum class LevelMarks { Show, Hide };

/// Whether the heat map lies under what the run keeps.
enum class LevelOverlay { Show, Hide };

/// Another trace of the same text, to compare with.
struct Beside {
  std::shared_ptr<const Content> content;
  Alignment alignment;  // from this document's text to that one's
};

/// What views share. Outlives them.
struct Workspace {
  Document& document;
  SelectionModel& selection;
  Style style;
  PaintMode paint_mode = PaintMode::Cached;
  LevelMarks level_marks = LevelMarks::Show;
  LevelOverlay level_overlay = LevelOverlay::Hide;
  Marks marks = {};
  Kinship kinship = {};
  std::optional<Beside> beside = {};
};

class View : public QWidget {
  Q_OBJECT
 public:
  View(Workspace& workspace, const QString& title, QWidget* parent);

  /// Position of the text under a point of the view.
  virtual std::optional<Position> position_at(QPointF point) const;
  /// The read-out for what is under a point; empty when nothing is.
  virtual QString describe(QPointF point) const;
  /// The title; a view whose subject changes says so here.
  virtual QString heading() const { return title_; }
  /// What the picture shows, in the words beside the title.
  virtual QString caption() const;

  /// The token in focus in words: what a screen reader says. Empty without one.
  struct Spoken {
    QString name, value;
  };
  Spoken spoken() const;

  /// For a view that was made after its document was opened.
  void catch_up();
  /// Draws the data anew: after a change of theme, size or content.
  void refresh();

  static constexpr int kHeader = 36;  // at 100 %
  /// Height of the title's line.
  static double header();

 protected:
  virtual void paint_back(QPainter& painter) = 0;
  virtual void paint_front(QPainter& painter);
  /// Whether the back pass depends on what changed. By default anything but hover and locked
  /// position.
  virtual bool needs_refresh(const Selection& now, const Selection& before) const;
  virtual void selection_changed(const Selection& now, const Selection& before);
  virtual void document_opened();
  /// A view that draws what has come asks for a refresh.
  virtual void snapshot_arrived(Topic topic);
  /// Width at the right of the header that captions must leave free.
  virtual int header_reserve() const;

  const Content* content() const { return workspace_.document.content(); }
  const Selection& selection() const { return workspace_.selection.now(); }
  const Palette& colours() const { return workspace_.style.colours(); }
  Workspace& workspace() const { return workspace_; }
  /// The panel below its header, inside its padding.
  QRectF area() const;
  /// Puts a control on the title's line, `right` pixels from the padding; both at 100 %.
  void place_in_header(QWidget& control, double right, double width) const;
  /// A sentence in the middle of the area.
  void paint_message(QPainter& painter, const QString& message) const;
  std::optional<QPointF> pointer() const { return pointer_; }

  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void focusInEvent(QFocusEvent* event) override;
  void focusOutEvent(QFocusEvent* event) override;

 private:
  void paint_picture();
  void paint_panel(QPainter& painter);
  void paint_header(QPainter& painter);
  void set_hover(std::optional<Position> position);

  Workspace& workspace_;
  QString title_;
  QImage picture_;
  bool stale_ = true;  // the picture is not of what is selected now
  std::optional<QPointF> pointer_;
  bool ringed_ = false;  // the focus came by a key
};

}  // namespace dendrokv
