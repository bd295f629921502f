#include "cli/tune_pieces.h"

#include <algorithm>

#include "cli/needles.h"
#include "data/error.h"
#include "model/stream_scorer.h"

namespace dendrokv {
namespace {

// Caches of more policies than that need too much memory at once.
constexpr size_t kStreamsAtOnce = 16;
constexpr uint32_t kBlockTokens = 32;  // tokens

std::string piece_name(const std::string& text, size_t first, size_t end) {
  return text + " " + std::to_string(first) + "-" + std::to_string(end);
}

void refuse_short(const std::string& name, size_t tokens, uint32_t wanted) {
  if (tokens < wanted)
    fail(name, std::to_string(tokens) + " tokens",
         "wanted at least " + std::to_string(wanted) + " for a piece",
         "give a longer text, or say --piece TOKENS");
}

double mean_of(const TunePiece& piece, std::span<const float> nll) {
  double sum = 0;
  size_t count = 0;
  for (const auto& [first, end] : piece.scored)
    for (uint32_t token = first; token < end; ++token, ++count)
      sum += static_cast<double>(nll[token]);
  return sum / static_cast<double>(count);
}

}  // namespace

std::vector<TunePiece> cut_pieces(const std::string& name, std::span<const int32_t> ids,
                                  uint32_t tokens, uint32_t unscored) {
  refuse_short(name, ids.size(), tokens);
  std::vector<TunePiece> pieces;
  for (size_t first = 0; first + tokens <= ids.size(); first += tokens) {
    const auto piece = ids.subspan(first, tokens);
    pieces.push_back({piece_name(name, first, first + tokens),
                      {piece.begin(), piece.end()},
                      {{unscored, tokens}}});
  }
  return pieces;
}

std::vector<TunePiece> plant_pieces(const std::string& name, std::span<const int32_t> ids,
                                    uint32_t tokens, std::span<const uint32_t> depths,
                                    uint64_t seed, const Model& model) {
  refuse_short(name, ids.size(), tokens);
  const Tokenizer& tokenizer = model.tokenizer();
  const std::vector<int32_t> before =
      tokenizer.add_bos() ? std::vector<int32_t>{tokenizer.bos()} : std::vector<int32_t>{};
  std::vector<TunePiece> pieces;
  for (size_t first = 0; first + tokens <= ids.size(); first += tokens) {
    const NeedlePlan plan{
        .depths = {depths.begin(), depths.end()}, .tokens = tokens, .seed = seed, .stream = first};
    PlantedText planted = plant(plan, ids.subspan(first), before, tokenizer);
    TunePiece piece{piece_name(name, first, first + tokens), std::move(planted.ids), {}};
    for (const Needle& needle : planted.needles)
      piece.scored.emplace_back(needle.answer_first, needle.answer_end);
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

bool measure_closed_loop(const Model& model, std::span<const PolicyChoice> policies,
                         const TunePiece& piece, const Session& session, const Progress& progress,
                         std::span<double> losses) {
  for (size_t first = 0; first < policies.size(); first += kStreamsAtOnce) {
    const auto some = policies.subspan(first, std::min(kStreamsAtOnce, policies.size() - first));
    StreamScorer scorer(model, some, std::nullopt,
                        {.threads = session.threads,
                         .isa = session.isa,
                         .block_tokens = kBlockTokens,
                         .evictions = EvictionLog::Discard});
    Grid<float> nll(some.size(), piece.ids.size()), kl(some.size(), 0);
    Grid<int32_t> top1(some.size(), piece.ids.size());
    for (size_t fed = 0; fed < piece.ids.size();) {
      const size_t count = std::min<size_t>(kBlockTokens, piece.ids.size() - fed);
      scorer.feed(std::span(piece.ids).subspan(fed, count),
                  {{nll.data() + fed, nll.rows(), count, nll.cols()},
                   {top1.data() + fed, top1.rows(), count, top1.cols()},
                   kl.view()});
      fed += count;
      const size_t done = first * piece.ids.size() + fed * some.size();
      if (progress(done, policies.size() * piece.ids.size()) == Continue::Stop) return false;
    }
    for (size_t i = 0; i < some.size(); ++i) losses[first + i] = mean_of(piece, nll.row(i));
  }
  return true;
}

}  // namespace dendrokv
