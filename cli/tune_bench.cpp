#include "cli/tune_bench.h"

#include <algorithm>

#include "cache/replay.h"
#include "cache/replay_numbers.h"
#include "cli/inputs.h"
#include "cli/ranges.h"
#include "data/error.h"
#include "data/identity.h"
#include "data/set_file.h"

namespace dendrokv {
namespace {

constexpr uint32_t kMeasuredSteps = 64;  // of a trace, about

class TextBench : public TuneBench {
 public:
  TextBench(const Session& session, const Model& model, std::vector<TunePiece> pieces)
      : session_(session), model_(model), pieces_(std::move(pieces)) {}
  std::vector<std::string> names() const override {
    std::vector<std::string> names;
    for (const TunePiece& piece : pieces_) names.push_back(piece.name);
    return names;
  }
  std::string fingerprint() const override {
    std::string all;
    for (const TunePiece& piece : pieces_) {
      all += piece.name + "\n";
      for (const int32_t id : piece.ids) all += std::to_string(id) + " ";
      for (const auto& [first, end] : piece.scored)
        all += std::to_string(first) + "-" + std::to_string(end) + " ";
    }
    return sha256_of_text(all);
  }
  bool measure(std::span<const PolicyChoice> policies, size_t piece, const Progress& progress,
               std::span<double> losses) override {
    return measure_closed_loop(model_, policies, pieces_[piece], session_, progress, losses);
  }

 private:
  const Session& session_;
  const Model& model_;
  std::vector<TunePiece> pieces_;
};

class TraceBench : public TuneBench {
 public:
  TraceBench(const Session& session, std::vector<std::string> traces)
      : session_(session), traces_(std::move(traces)) {}
  std::vector<std::string> names() const override { return traces_; }
  std::string fingerprint() const override {
    std::string all;
    for (const std::string& trace : traces_) all += trace + " " + uuid_of_file(trace) + "\n";
    return sha256_of_text(all);
  }
  bool measure(std::span<const PolicyChoice> policies, size_t piece, const Progress& progress,
               std::span<double> losses) override {
    const TraceReader trace(traces_[piece]);
    const auto runs = replay_trace(trace, policies, session_.threads, progress);
    if (!runs) return false;
    const uint32_t every = std::max<uint32_t>(1, trace.info().tokens / kMeasuredSteps);
    const std::vector<Step> steps =
        parse_steps("--steps", "every:" + std::to_string(every), trace.info().tokens);
    const auto numbers = measure_runs(trace, *runs, steps, session_.threads, progress);
    if (!numbers) return false;
    for (size_t run = 0; run < numbers->size(); ++run)
      losses[run] = summarise((*numbers)[run]).relative_error;
    return true;
  }

 private:
  const Session& session_;
  std::vector<std::string> traces_;
};

/// `count` of them, evenly spread.
void thin(std::vector<size_t>& places, uint64_t count) {
  if (places.size() <= count) return;
  std::vector<size_t> some;
  for (uint64_t i = 0; i < count; ++i) some.push_back(places[i * places.size() / count]);
  places = std::move(some);
}

}  // namespace

std::unique_ptr<TuneBench> bench_of_texts(const Session& session, const Model& model,
                                          std::vector<TunePiece> pieces) {
  return std::make_unique<TextBench>(session, model, std::move(pieces));
}

std::unique_ptr<TuneBench> bench_of_traces(const Session& session,
                                           std::vector<std::string> traces) {
  return std::make_unique<TraceBench>(session, std::move(traces));
}

PartedPieces part_pieces(size_t pieces, size_t held_out, std::optional<uint64_t> most) {
  PartedPieces parted;
  for (size_t piece = 0; piece < pieces; ++piece)
    (held_out == 0 && piece % 3 == 2 ? parted.held_out : parted.chosen_on).push_back(piece);
  if (most) thin(parted.chosen_on, *most);
  if (most && held_out == 0) thin(parted.held_out, std::max<uint64_t>(2, *most / 3));
  for (size_t piece = 0; piece < held_out; ++piece) parted.held_out.push_back(piece);
  if (parted.chosen_on.size() < 2 || parted.held_out.size() < 2)
    fail("texts",
         std::to_string(parted.chosen_on.size()) + " pieces to choose on and " +
             std::to_string(parted.held_out.size()) + " held out",
         "wanted two of each", "give longer or more texts, or a smaller --piece");
  return parted;
}

}  // namespace dendrokv
