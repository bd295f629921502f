#include "gui/accessible_view.h"

#include <QAccessibleWidget>

#include "gui/inspector.h"
#include "gui/view.h"

namespace dendrokv {
namespace {

/// The token in focus, as a cell.
class AccessibleToken : public QAccessibleInterface {
 public:
  explicit AccessibleToken(View* view) : view_(view) {}

  bool isValid() const override { return view_ != nullptr; }
  QObject* object() const override { return nullptr; }
  QAccessibleInterface* childAt(int, int) const override { return nullptr; }
  QAccessibleInterface* parent() const override {
    return QAccessible::queryAccessibleInterface(view_);
  }
  QAccessibleInterface* child(int) const override { return nullptr; }
  int childCount() const override { return 0; }
  int indexOfChild(const QAccessibleInterface*) const override { return -1; }
  QString text(QAccessible::Text kind) const override {
    if (kind == QAccessible::Name) return view_->spoken().name;
    if (kind == QAccessible::Value || kind == QAccessible::Description)
      return view_->spoken().value;
    return {};
  }
  void setText(QAccessible::Text, const QString&) override {}
  QRect rect() const override { return {view_->mapToGlobal(QPoint(0, 0)), view_->size()}; }
  QAccessible::Role role() const override { return QAccessible::Cell; }
  QAccessible::State state() const override {
    QAccessible::State state;
    state.readOnly = true;
    state.selected = true;
    return state;
  }

 private:
  View* view_;
};

class AccessibleView : public QAccessibleWidget {
 public:
  explicit AccessibleView(View* view)
      : QAccessibleWidget(view, QAccessible::Table),
        view_(view),
        token_(QAccessible::registerAccessibleInterface(new AccessibleToken(view))) {}
  // The registry owns what was registered: it has to be told.
  ~AccessibleView() override { QAccessible::deleteAccessibleInterface(token_); }

  int childCount() const override {
    return QAccessibleWidget::childCount() + (view_->spoken().name.isEmpty() ? 0 : 1);
  }
  QAccessibleInterface* child(int index) const override {
    const int widgets = QAccessibleWidget::childCount();
    if (index < widgets) return QAccessibleWidget::child(index);
    const bool there = index == widgets && !view_->spoken().name.isEmpty();
    return there ? QAccessible::accessibleInterface(token_) : nullptr;
  }
  int indexOfChild(const QAccessibleInterface* wanted) const override {
    if (wanted == QAccessible::accessibleInterface(token_)) return QAccessibleWidget::childCount();
    return QAccessibleWidget::indexOfChild(wanted);
  }
  QString text(QAccessible::Text kind) const override {
    if (kind == QAccessible::Value) return view_->spoken().value;
    return QAccessibleWidget::text(kind);
  }

 private:
  View* view_;
  QAccessible::Id token_;
};

QAccessibleInterface* make_accessible(const QString&, QObject* object) {
  auto* const view = qobject_cast<View*>(object);
  return view ? new AccessibleView(view) : nullptr;
}

}  // namespace

void install_accessible_views() {
  QAccessible::installFactory(make_accessible);
}

}  // namespace dendrokv
