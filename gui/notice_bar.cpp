#include "gui/notice_bar.h"

#include <QHBoxLayout>

#include "gui/style.h"

namespace dendrokv {

NoticeBar::NoticeBar(QWidget* parent) : QFrame(parent) {
  setObjectName(QStringLiteral("notice"));
  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(kPadding, 6, kPadding, 6);
  text_ = new QLabel(this);
  text_->setTextFormat(Qt::PlainText);
  text_->setWordWrap(true);
  text_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  act_ = new QPushButton(this);
  close_ = new QPushButton(QStringLiteral("Dismiss"), this);
  layout->addWidget(text_, 1);
  layout->addWidget(act_);
  layout->addWidget(close_);
  connect(close_, &QPushButton::clicked, this, &QWidget::hide);
  connect(act_, &QPushButton::clicked, this, [this] {
    hide();
    if (run_) run_();
  });
  hide();
}

void NoticeBar::tell(const QString& text, const QString& remedy, std::function<void()> act) {
  text_->setText(text);
  setAccessibleName(text);
  act_->setText(remedy);
  act_->setVisible(!remedy.isEmpty());
  run_ = std::move(act);
  show();
}

QString NoticeBar::text() const {
  return isHidden() ? QString() : text_->text();
}

}  // namespace dendrokv
