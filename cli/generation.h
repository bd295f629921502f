#pragma once
// Text from a model, reply by reply: feeds what is to be read, then samples, shows and feeds until
// something ends the reply.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cache/policies.h"
#include "cli/command.h"
#include "cli/inputs.h"
#include "model/decoder.h"
#include "model/live_audit.h"
#include "model/sampler.h"

namespace dendrokv {

/// What came of one reply.
struct Reply {
  std::vector<int32_t> ids;
  std::string text;
  std::string_view ended_by;  // "end-token", "length", "context", "signal"
  size_t prompt_tokens = 0;   // read before it
  /// NaN where nothing was measured: one token of text needs no step beyond the prompt.
  double prompt_tokens_per_second = 0, tokens_per_second = 0;
  double seconds = 0;     // of both
  uint64_t kv_bytes = 0;  // held by the cache at its end
  CacheRows rows;         // held by its lanes, and read by its last query
};

class Generation {
 public:
  /// Gets text as it comes: whole UTF-8 characters.
  using Show = std::function<void(std::string_view text)>;

  /// All must outlive the object.
  Generation(const Session& session, const Model& model, const PolicyChoice& policy,
             const SamplerOptions& sampling, Show show, Watch watch = Watch::No);

  /// Feeds `prompt` behind what was fed before and answers with at most `most` tokens. A stop that
  /// was asked for (cli/stop.h) ends it after the token at hand, or after a block of the prompt.
  /// Throws Error before anything is fed when the context has no room for the prompt; `subject`
  /// names it.
  Reply answer(const std::string& subject, std::span<const int32_t> prompt, uint64_t most);
  /// Of all so far, with Watch::Yes.
  Audit audit() const;

 private:
  GridView<const float> feed_prompt(std::span<const int32_t> prompt);
  /// Returns the number of steps of the decoder.
  size_t write(GridView<const float> logits, uint64_t most, Reply& reply);
  bool context_full() const;

  const Session& session_;
  const Model& model_;
  const PolicyChoice& policy_;
  Show show_;
  GridView<const float> feed(std::span<const int32_t> tokens);

  DecoderOptions decoding_;
  Decoder decoder_;
  std::optional<LiveAudit> watch_;
  std::vector<int32_t> fed_;  // with Watch::Yes
  Sampler sampler_;
  /// The last token of a reply that ended for another reason than an end token: shown, but not fed
  /// yet.
  std::vector<int32_t> owed_;
};

}  // namespace dendrokv
