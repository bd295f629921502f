// A trace on the disk: replaced, gone, or growing while its recorder writes.

#include <QMetaObject>
#include <sys/stat.h>

#include "gui/document.h"
#include "gui/document_source.h"
#include "gui/opened_files.h"

namespace dendrokv {

std::optional<FileStamp> file_stamp(const std::filesystem::path& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) return std::nullopt;
  return FileStamp{facts.st_dev, facts.st_ino, static_cast<uint64_t>(facts.st_size),
                   int64_t{facts.st_mtim.tv_sec} * 1'000'000'000 + facts.st_mtim.tv_nsec};
}

// A finished trace never changes; another one may come in its place. One that is being written
// grows, and gets its final name at the end.
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
      if (same &&
          (trace.info().steps.size() > before->info.steps.size() || trace.info().complete)) {
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

}  // namespace dendrokv
