#include "cache/audit_subject.h"

#include <iterator>

#include "data/error.h"
#include "data/pyramid_levels.h"
#include "data/run_group.h"

namespace dendrokv {
namespace {

void check_pyramid_shapes(const h5::File& file, const TraceInfo& info) {
  if (info.capture.rows == FullRows::Omit || !info.complete || !file.has("/pyramid/1")) return;
  const auto extents = pyramid_extents(info.steps.size(), info.tokens);
  for (size_t level = 0; level < extents.size(); ++level)
    file.open_dataset(
        "/pyramid/" + std::to_string(level + 1) + "/max", h5::Type::F16,
        {info.layers.size(), info.heads.size(), extents[level].rows, extents[level].cols});
}

/// Throws Error where the arrays of a run are not there or not of one shape.
void check_record_shapes(const h5::File& file, const std::string& group, const h5::Shape& shape) {
  const h5::Type types[] = {h5::Type::I32, h5::Type::I32, h5::Type::F32, h5::Type::F32,
                            h5::Type::U8};
  const char* names[] = {"evict_step", "rival", "score", "rival_score", "reason"};
  for (size_t array = 0; array < std::size(names); ++array)
    file.open_dataset(group + "/" + names[array], types[array], shape);
}

/// Shapes are the structure; entries that cannot be are a broken record.
void read_record(Subject& subject, const std::string& group, const h5::Shape& shape) {
  check_record_shapes(subject.file, group, shape);
  try {
    subject.runs.push_back(read_run_group(subject.file, group));
  } catch (const Error& error) {
    if (subject.record_fault.empty()) subject.record_fault = error.what();
  }
}

void open_trace(Subject& subject) {
  subject.trace.emplace(subject.file.name(), Incomplete::TakeWhatIsThere);
  const TraceInfo& info = subject.trace->info();
  check_pyramid_shapes(subject.file, info);
  if (info.complete) subject.file.open_dataset("/loss/nll", h5::Type::F32, {info.tokens});
  if (!subject.file.has("/run")) return;
  h5::Shape shape = {info.model.layers, kAnyExtent, info.tokens};
  const h5::Dataset steps = subject.file.open_dataset("/run/evict_step", h5::Type::I32, shape);
  shape[1] = steps.shape()[1];
  if (shape[1] == 0 || info.model.heads % shape[1] != 0)
    fail(steps.subject(), std::to_string(shape[1]) + " lanes",
         "wanted a part of the model's heads");
  read_record(subject, "/run", shape);
}

void open_runs(Subject& subject) {
  const uint64_t count = subject.file.count_attribute("/runs", "count");
  for (uint64_t run = 0; run < count; ++run) {
    const std::string group = "/runs/" + std::to_string(run);
    const h5::Dataset steps = subject.file.open_dataset(group + "/evict_step", h5::Type::I32,
                                                        {kAnyExtent, kAnyExtent, kAnyExtent});
    read_record(subject, group, steps.shape());
  }
}

}  // namespace

void open(Subject& subject) {
  try {
    if (subject.is_trace()) open_trace(subject);
    if (subject.is_runs()) open_runs(subject);
    if (subject.is_eval())
      subject.eval = read_eval(subject.file.name(), Incomplete::TakeWhatIsThere);
    if (subject.is_trace()) {
      const Run* run = subject.runs.empty() ? nullptr : &subject.runs[0];
      subject.rows = check_attention_rows(*subject.trace, subject.file, run,
                                          subject.options.most_bytes, subject.options.progress);
    }
  } catch (const Error& error) {
    subject.structure_fault = error.what();
  }
}

}  // namespace dendrokv
