#pragma once
// One line across the window that something has happened and what can be done about it.

#include <QFrame>
#include <QLabel>
#include <QPushButton>
#include <functional>

namespace dendrokv {

class NoticeBar : public QFrame {
  Q_OBJECT
 public:
  explicit NoticeBar(QWidget* parent);
  /// `remedy` is the text of the button; empty = none.
  void tell(const QString& text, const QString& remedy = {}, std::function<void()> act = {});
  QString text() const;
  QPushButton* button() const { return act_; }

 private:
  QLabel* text_;
  QPushButton *act_, *close_;
  std::function<void()> run_;
};

}  // namespace dendrokv
