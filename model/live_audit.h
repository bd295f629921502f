#pragma once
// The audit of a running model: an observer that recounts what the cache does from what its queries
// see, and compares it with what the cache holds and what the record says at the end. `dendrokv ...
// --audit`; the checks are rows of the table in cache/audit.cpp.
//
// Costs an observer for every row: some 24 bytes per query head and position, and a pass over each
// row.

#include <memory>
#include <span>
#include <vector>

#include "cache/checks.h"
#include "model/model.h"
#include "model/observer.h"
#include "model/streams.h"

namespace dendrokv {

class LiveAudit final : public Observer {
 public:
  /// `next`, which is shown what it wants, may be null. All must outlive the object.
  LiveAudit(const Model& model, const PolicyChoice& policy, Observer* next);
  ~LiveAudit() override;

  bool wants_attention(Layer layer, Head head, Step step) const override;
  bool wants_rows(Layer layer) const override;
  void on_attention(std::span<const AttentionRow> rows) override;
  void on_attention_done(std::span<const AttentionRow> rows) override;
  void on_row(Layer layer, KvHead kv_head, Position position, std::span<const float> key,
              std::span<const float> value) override;
  void on_steps_done(Step first, uint32_t count) override;

  /// At the end of a run of stream number `stream` that this observer has seen whole, and whose
  /// `tokens` these were; the streams keep their evictions. What was seen, beside the record and
  /// the cache; runs short texts more, under full and under the policy. Throws what running them
  /// throws.
  std::vector<Check> checks(const Streams& streams, size_t stream, std::span<const int32_t> tokens,
                            const DecoderOptions& options) const;
  /// The same and what the record says by itself (audit_run), for a run that is in no file.
  Audit audit(const Streams& streams, size_t stream, std::span<const int32_t> tokens,
              const DecoderOptions& options) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dendrokv
