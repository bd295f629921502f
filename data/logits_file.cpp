#include "data/logits_file.h"

#include <optional>
#include <system_error>
#include <utility>

#include "data/error.h"
#include "data/file_root.h"
#include "data/hdf5.h"

namespace dendrokv {

class LogitsWriter::Impl {
 public:
  Impl(std::filesystem::path path, const LogitsPlan& plan)
      : path_(std::move(path)),
        part_(path_.string() + ".part"),
        tokens_(plan.tokens.size()),
        vocabulary_(plan.model.vocabulary),
        file_(h5::File::create(part_)) {
    FileRoot root{{}, {}, {}, plan.command_line};
    write_root(file_, "dendrokv-logits", root);
    file_.write_attribute("/", "model", plan.model.name);
    file_.write_attribute("/", "model_sha256", plan.model.sha256);
    file_.write_attribute("/", "policy", plan.policy);
    file_.create_group("/tokens");
    file_.create_dataset("/tokens/id", h5::Type::I32, {tokens_}, {}, h5::Fill::Absent)
        .write(plan.tokens.data());
    logits_ = file_.create_dataset("/logits", h5::Type::F32, {tokens_, vocabulary_}, {},
                                   h5::Fill::Absent);
    write_default_plot(file_, "/logits");
  }

  ~Impl() {
    std::error_code ignored;
    if (!finished_) std::filesystem::remove(part_, ignored);
  }

  void append(GridView<const float> rows) {
    DENDROKV_ASSERT(rows.cols() == vocabulary_ && rows.stride() == rows.cols());
    DENDROKV_ASSERT(written_ + rows.rows() <= tokens_);
    const uint64_t start[] = {written_, 0};
    const uint64_t count[] = {rows.rows(), vocabulary_};
    logits_->write(start, count, rows.data());
    written_ += rows.rows();
  }

  void finish() {
    DENDROKV_ASSERT(written_ == tokens_);
    logits_.reset();
    mark_complete(file_);
    file_.close();
    h5::publish(part_, path_);
    finished_ = true;
  }

 private:
  std::filesystem::path path_, part_;
  uint64_t tokens_, vocabulary_, written_ = 0;
  h5::File file_;
  std::optional<h5::Dataset> logits_;
  bool finished_ = false;
};

uint64_t estimated_bytes(const LogitsPlan& plan) {
  constexpr uint64_t kHeaders = uint64_t{2} << 20;  // hdf5.cpp reserves metadata by the MiB
  return plan.tokens.size() * (uint64_t{plan.model.vocabulary} * sizeof(float) + sizeof(int32_t)) +
         kHeaders;
}

LogitsWriter::LogitsWriter(std::filesystem::path path, const LogitsPlan& plan)
    : impl_(std::make_unique<Impl>(std::move(path), plan)) {}
LogitsWriter::~LogitsWriter() = default;

void LogitsWriter::append(GridView<const float> rows) {
  impl_->append(rows);
}

void LogitsWriter::finish() {
  impl_->finish();
}

}  // namespace dendrokv
