#include "cli/trace_recording.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cache/audit.h"
#include "data/trace_writer.h"
#include "model/live_audit.h"
#include "model/recorder.h"

namespace dendrokv {
namespace {

constexpr size_t kBlockTokens = 64;

/// Feeds `ids`, writes -ln p(token t / tokens < t) into nll[t]; NaN at 0 and for what was not
/// reached. Returns the number of tokens fed, all unless `progress` stops it.
size_t feed_all(Decoder& decoder, std::span<const int32_t> ids, Observer& observer,
                std::span<float> nll, const Progress& progress) {
  std::fill(nll.begin(), nll.end(), std::numeric_limits<float>::quiet_NaN());
  for (size_t fed = 0; fed < ids.size();) {
    const size_t count = std::min(kBlockTokens, ids.size() - fed);
    decoder.feed_and_score(ids.subspan(fed, count), nll.subspan(fed, count), &observer);
    fed += count;
    if (progress(fed, ids.size()) == Continue::Stop) return fed;
  }
  return ids.size();
}

}  // namespace

void Recorded::add(const Recorded& other) {
  fed += other.fed;
  bytes += other.bytes;
  written += other.written;
  rows = other.rows;
  nll.insert(nll.end(), other.nll.begin(), other.nll.end());
  if (!other.audit) return;
  audit ? merge(*audit, other.audit->checks) : void(audit = other.audit);
}

double Recorded::mean_loss() const {
  double sum = 0;
  size_t count = 0;
  for (const float loss : nll)
    if (!std::isnan(loss)) {
      sum += double{loss};
      ++count;
    }
  return count == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(count);
}

Recorded record_trace(const Session& session, const Model& model, const PolicyChoice& policy,
                      const TracePlan& plan, const std::filesystem::path& path, Watch watch,
                      const Progress& progress) {
  TraceWriter writer(path, plan);
  Recorder recorder(writer, plan);
  const DecoderOptions decoding{.threads = session.threads, .isa = session.isa};
  Decoder decoder(model, policy, decoding);
  std::optional<LiveAudit> audit;
  if (watch == Watch::Yes) audit.emplace(model, policy, &recorder);
  Observer& observer = audit ? static_cast<Observer&>(*audit) : recorder;
  session.detail("policy " + policy.text() + ", " + std::to_string(decoder.threads()) +
                 " threads, " + std::string(isa_name(session.isa)));
  Recorded recorded;
  recorded.nll.resize(plan.info.tokens);
  recorded.fed = feed_all(decoder, plan.tokens.id, observer, recorded.nll, progress);
  recorder.flush();
  writer.write_loss(recorded.nll);
  if (recorded.fed < plan.info.tokens) return recorded;
  if (policy.shape().budget > 0) {
    Run run = decoder.run();
    run.trace_uuid = writer.info().uuid;
    writer.write_run(run);
  }
  writer.finish();
  recorded.bytes = std::filesystem::file_size(path);
  recorded.written = writer.rows_written();
  recorded.uuid = writer.info().uuid;
  recorded.rows = decoder.rows();
  if (audit) {
    recorded.audit = audit_file(path, {.threads = session.threads});
    merge(*recorded.audit, audit->checks(decoder.streams(), 0, plan.tokens.id, decoding));
  }
  return recorded;
}

}  // namespace dendrokv
