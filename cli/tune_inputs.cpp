#include "cli/tune_inputs.h"

#include "cli/inputs.h"
#include "cli/ranges.h"
#include "data/error.h"
#include "data/trace_reader.h"
#include "model/lane_errors.h"

namespace dendrokv {
namespace {

template <class Piece>
std::vector<Piece> chosen(const std::vector<Piece>& pieces, const std::vector<size_t>& places) {
  std::vector<Piece> some;
  for (const size_t place : places) some.push_back(pieces[place]);
  return some;
}

}  // namespace

void TuneInputs::check() const {
  const std::string beside = "beside --objective " + objective;
  if (open_loop() ? traces.empty() : texts.empty())
    fail_usage(open_loop() ? "--trace" : "--text", "missing", "wanted something to tune on",
               "see --help");
  if (open_loop() ? !texts.empty() : !traces.empty())
    fail_usage(open_loop() ? "--text" : "--trace", beside,
               open_loop() ? "wanted --trace" : "wanted --text");
  if (open_loop() && piece) fail_usage("--piece", beside, "wanted none: a piece is a trace");
  if (!depths.empty() && objective != "needle")
    fail_usage("--depths", beside, "wanted --objective needle");
}

void TuneInputs::check_model(const Model& model) const {
  if (!open_loop()) return;
  for (const std::vector<std::string>& some : {traces, held_out})
    for (const std::string& trace : some) check_same_model(TraceReader(trace).info(), model);
}

TuneBenches TuneInputs::benches(const Session& session, const Model& model, uint64_t rows) const {
  return open_loop() ? benches_of_traces(session) : benches_of_texts(session, model, rows);
}

TuneBenches TuneInputs::benches_of_traces(const Session& session) const {
  const PartedPieces parted = part_pieces(traces.size(), held_out.size(), most_pieces);
  return {bench_of_traces(session, chosen(traces, parted.chosen_on)),
          bench_of_traces(session, chosen(held_out.empty() ? traces : held_out, parted.held_out))};
}

TuneBenches TuneInputs::benches_of_texts(const Session& session, const Model& model,
                                         uint64_t rows) const {
  const std::vector<TunePiece> pieces = pieces_of(texts, model, rows),
                               deciding = pieces_of(held_out, model, rows);
  const PartedPieces parted = part_pieces(pieces.size(), deciding.size(), most_pieces);
  return {bench_of_texts(session, model, chosen(pieces, parted.chosen_on)),
          bench_of_texts(session, model,
                         chosen(deciding.empty() ? pieces : deciding, parted.held_out))};
}

std::vector<TunePiece> TuneInputs::pieces_of(const std::vector<std::string>& files,
                                             const Model& model, uint64_t rows_of_lane) const {
  std::vector<TunePiece> pieces;
  const auto rows = static_cast<uint32_t>(rows_of_lane);
  const auto tokens = static_cast<uint32_t>(piece.value_or(3 * rows_of_lane));
  if (tokens <= rows)
    fail_usage("--piece " + std::to_string(tokens),
               std::to_string(rows) + " rows of a lane hold it whole",
               "wanted more tokens than rows, so that something leaves");
  for (const std::string& text : files) {
    const std::vector<int32_t> ids = read_tokens(text, TextForm::Text, std::nullopt, model);
    const auto some = objective == "loss"
                          ? cut_pieces(text, ids, tokens, rows)
                          : plant_pieces(text, ids, tokens, depths_of(rows), seed, model);
    pieces.insert(pieces.end(), some.begin(), some.end());
  }
  return pieces;
}

std::vector<uint32_t> TuneInputs::depths_of(uint32_t rows) const {
  if (depths.empty()) return {rows / 2, rows * 3 / 2, rows * 5 / 2};
  return parse_ranges("--depths", "depth", depths, kMostTuneTokens);
}

}  // namespace dendrokv
