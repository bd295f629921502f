#pragma once
// What the eval commands share: which policies, where results go, and the pass of a text through
// all caches at once.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "analysis/loss_summary.h"
#include "cache/checks.h"
#include "cli/command.h"
#include "cli/inputs.h"
#include "data/eval_file.h"
#include "data/progress.h"
#include "model/live_audit.h"
#include "model/streams.h"

namespace dendrokv {

/// Policies as the user wrote them, and the one that others are compared with.
struct EvalPolicies {
  std::vector<std::string> names;
  std::vector<PolicyChoice> choices;
  std::optional<uint32_t> reference;
};

/// A text and what it is read as.
struct EvalSource {
  std::filesystem::path path;
  TextForm form;
};

/// The options that all eval commands have.
struct EvalOptions {
  ModelOption model;
  std::vector<std::string> texts, ids, specs;
  std::optional<uint64_t> block;
  std::filesystem::path output, csv;
  uint64_t seed = 1;
  bool against_full = false, audit = false;

  void declare(Options& options);
  /// Texts first, then files of ids. Throws UsageError when there are none.
  std::vector<EvalSource> sources() const;
  /// Throws UsageError: a spec that is wrong, or given twice.
  EvalPolicies policies() const;
  /// Throws Error when -o or --csv cannot be written or is an input.
  void check_outputs(const std::filesystem::path& model_path) const;
};

/// A file with everything but its texts.
EvalFile eval_file(const Session& session, const Model& model, const EvalPolicies& policies,
                   const EvalOptions& options, std::string protocol);

/// Throws Error when a text of `tokens` tokens has no room in the model's context under one of the
/// policies.
void check_contexts(const std::string& subject, uint64_t tokens, const Model& model,
                    const EvalPolicies& policies);

/// Runs texts through all caches, one after the other, and keeps what is done: with -o in
/// OUTPUT.part after each text, from where the same command goes on.
class Evaluation {
 public:
  /// All must outlive the object; `file.texts` are those to score, unscored.
  Evaluation(const Session& session, const Model& model, const EvalPolicies& policies,
             const EvalOptions& options, EvalFile& file);

  /// Called when a text is through, with the caches as they are then.
  using Done = std::function<void(EvalText& text, const Streams& streams)>;
  /// False when a signal stopped it; what was scored is in OUTPUT.part then, if there is an output,
  /// and a line said how to go on.
  bool run(EvictionLog log, const Done& done);
  /// Writes OUTPUT under its final name, if there is an output.
  void finish();
  /// With --audit, after finish(): of each cache over all texts, and of OUTPUT. Else none.
  std::span<const Audit> audits() const { return audits_; }

 private:
  void take_over();
  bool score(EvalText& text, EvictionLog log, const Done& done, const Progress& progress);
  void stopped() const;
  uint32_t block_tokens() const;
  void look_at(const EvalText& text, const Streams& streams,
               std::span<const std::unique_ptr<LiveAudit>> watches, const DecoderOptions& decoding);

  const Session& session_;
  const Model& model_;
  const EvalPolicies& policies_;
  const EvalOptions& options_;
  EvalFile& file_;
  std::vector<Audit> audits_;  // [policy], and of the file
};

}  // namespace dendrokv
