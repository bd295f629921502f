#pragma once
// How well several caches foretell the same text: the loss of each token, the likeliest one, and
// how far each cache's distribution is from that of one of them, the reference. Logits are of one
// block of one stream at a time, however long the text.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "data/grid.h"
#include "model/streams.h"

namespace dendrokv {

/// Where the scores of some tokens go, [stream, token]. What stands at a token is about the
/// distribution before it, given all tokens fed before; the first token of all has none: NaN and
/// -1.
struct TokenScores {
  GridView<float> nll;     // -ln p(token), nat
  GridView<int32_t> top1;  // the likeliest token; of equals the one of the lowest id
  GridView<float> kl;      // KL(reference || stream), nat; without a reference left as it is
};

class StreamScorer {
 public:
  /// `reference` is one of the streams. Throws Error as Streams does.
  StreamScorer(const Model& model, std::span<const PolicyChoice> policies,
               std::optional<size_t> reference, const DecoderOptions& options);

  /// Feeds tokens behind those fed before, as Streams::feed() does. Losses agree with those of
  /// Decoder::feed_and_score() to 2e-6.
  void feed(std::span<const int32_t> tokens, const TokenScores& scores,
            std::span<Observer* const> observers = {});

  const Streams& streams() const { return streams_; }

 private:
  void score(const Streams::Block& block, std::span<const int32_t> tokens,
             const TokenScores& scores, size_t stream);
  GridView<const float> states_before(const Streams::Block& block, size_t stream);
  void score_token(size_t row, int32_t token, const TokenScores& scores, size_t stream,
                   size_t place);

  // Of a row of the reference: sum of its probabilities, mean of its logits under them, ln sum exp.
  struct ReferenceRow {
    double total, cross, log_sum;
  };

  const Config& config_;
  const Kernels& kernels_;
  const std::optional<size_t> reference_;
  Streams streams_;
  size_t fed_ = 0;
  Grid<float> last_states_;        // of the token fed last, [stream, width]
  Grid<float> states_;             // before each token of a block
  Grid<float> logits_;             // of one stream, [token of a block, vocabulary]
  Grid<float> expected_;           // probabilities of the reference, as logits_
  std::vector<ReferenceRow> own_;  // [token of a block]
};

/// A row of logits as a distribution.
struct Distribution {
  int32_t likeliest;
  double log_sum;  // ln sum exp(logit)
  // Of the probabilities: 1 but for the rounding of their sum, which is one of floats.
  double total;
};
/// In place: logits -> probabilities.
Distribution soften(const Kernels& kernels, std::span<float> logits);

}  // namespace dendrokv
