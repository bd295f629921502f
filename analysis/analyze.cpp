// Pieces are shared out among threads in rounds of one piece each, and added up in their order
// behind every round.

#include "analysis/analyze.h"

#include <algorithm>
#include <array>
#include <limits>
#include <mutex>
#include <string>

#include "analysis/parallel.h"
#include "analysis/piece_measures.h"
#include "analysis/position_bins.h"
#include "analysis/rise_claims.h"
#include "analysis/sample_statistics.h"
#include "analysis/sample_sums.h"
#include "analysis/signal_window.h"
#include "analysis/usable_range.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr std::array<std::string_view, 3> kSignalNames = {"contribution", "weight", "value"};
constexpr std::array<std::string_view, 3> kUnits = {"weight × value", "weight", "value"};
constexpr size_t kOpen = 8;  // traces

std::vector<const Surrogate*> nulls_of(const AnalyzeOptions& options) {
  std::vector<const Surrogate*> nulls;
  for (const std::string& name : options.nulls) {
    const Surrogate& null = find_surrogate(name);
    if (std::ranges::find(nulls, &null) != nulls.end())
      fail("null '" + name + "'", "given twice", "wanted each once");
    const bool idle = (options.signal == Signal::Weight && null.part == ChangedPart::Values) ||
                      (options.signal == Signal::Value && null.part == ChangedPart::Weights);
    if (idle)
      fail("null '" + name + "'",
           "changes nothing of the signal " + std::string(signal_name(options.signal)),
           std::string("wanted one that changes the ") +
               (options.signal == Signal::Weight ? "weights" : "values"));
    nulls.push_back(&null);
  }
  return nulls;
}

/// Positions of a window that no end has touched in any band.
IndexRange valid_everywhere(const std::vector<BandPlace>& layout, size_t positions) {
  IndexRange valid{0, positions};
  for (const BandPlace& place : layout) valid = intersection(valid, place.valid);
  return valid;
}

/// None where fewer than two fit: such texts are described, not tested.
std::vector<IndexRange> bins_of(IndexRange usable, uint32_t levels) {
  const size_t block = size_t{1} << levels;
  const size_t first = (usable.first + block - 1) / block,
               end = (usable.first + usable.count) / block;
  if (end < first + 2) return {};
  return position_bins(usable, levels);
}

/// All but the numbers.
Analysis described(const WindowPlan& plan, const std::vector<BandPlace>& layout,
                   const AnalyzeOptions& options) {
  const auto longest = std::ranges::max_element(plan.windows, {}, &SignalWindow::step);
  Analysis analysis;
  analysis.trace_uuids = plan.trace_uuids;
  analysis.transform = transform_name(options.transform.kind);
  analysis.wavelet = options.transform.wavelet_name();
  analysis.boundary = options.transform.boundary_text();
  analysis.signal = signal_name(options.signal);
  analysis.unit = kUnits[static_cast<size_t>(options.signal)];
  analysis.normalisation = options.transform.kind == TransformKind::Cwt
                               ? "L1: a sine of amplitude A gives A"
                               : "of the signal's unit";
  analysis.levels = static_cast<uint32_t>(layout.size());
  analysis.depth = options.transform.levels;
  const auto length = static_cast<uint32_t>(plan.positions());
  analysis.positions = options.windows ? length : longest->step.value + 1;
  analysis.step = analysis.positions - 1;
  analysis.valid_first = analysis.positions - length;
  analysis.valid_count = length;
  analysis.exclude_first = options.exclude_first.value_or(kExcluded);
  analysis.exclude_last = options.exclude_last.value_or(kExcluded);
  analysis.samples = static_cast<uint32_t>(plan.windows.size());
  analysis.layers = plan.model.layers;
  analysis.heads = plan.model.heads;
  for (const BandPlace& place : layout) {
    analysis.band_names.push_back(place.name);
    analysis.period_low.push_back(place.period_low);
    analysis.period_high.push_back(place.period_high);
    analysis.band_first.push_back(static_cast<uint32_t>(analysis.valid_first + place.valid.first));
    analysis.band_count.push_back(static_cast<uint32_t>(place.valid.count));
  }
  return analysis;
}

/// Relative to the window.
IndexRange usable_part(const Analysis& analysis) {
  const IndexRange usable = usable_range(analysis);
  return usable.count > 0 ? IndexRange{usable.first - analysis.valid_first, usable.count}
                          : IndexRange{};
}

/// `usable` and `valid` are relative to the window. Texts that are too short by themselves pass.
void check_exclusions(const AnalyzeOptions& options, const Analysis& analysis, IndexRange usable,
                      IndexRange valid) {
  if (options.exclude_first.value_or(0) == 0 && options.exclude_last.value_or(0) == 0) return;
  const uint32_t levels = options.transform.levels;
  const IndexRange left = intersection(usable, valid);
  const bool too_short = bins_of(valid, levels).empty() && (left.count > 0 || valid.count == 0);
  if (too_short || !bins_of(left, levels).empty()) return;
  fail("excluding the first " + std::to_string(analysis.exclude_first) + " and the last " +
           std::to_string(analysis.exclude_last) + " of " + std::to_string(analysis.positions) +
           " positions",
       "leaves " + std::to_string(left.count) + " untouched by the window's ends",
       "wanted two whole blocks of " + std::to_string(size_t{1} << levels) + " to compare",
       "exclude less at the ends, or take fewer levels or a longer text");
}

/// False when it was stopped.
bool add_pieces(const PieceSetup& setup, TraceSet& traces, SampleSums& sums,
                const Progress& progress) {
  const std::vector<Piece> pieces = pieces_of(setup.plan, setup.options.transform);
  const unsigned threads = std::max(setup.options.threads, 1u);
  std::mutex reading;
  for (size_t first = 0; first < pieces.size(); first += threads) {
    const size_t count = std::min<size_t>(threads, pieces.size() - first);
    std::vector<PieceSums> round(count);
    for_each_piece(count, threads, [&](size_t i) {
      round[i] = measure_piece(setup, pieces[first + i], traces, reading);
    });
    for (size_t i = 0; i < count; ++i) sums.add(pieces[first + i], round[i]);
    if (progress && progress(first + count, pieces.size()) == Continue::Stop) return false;
  }
  return true;
}

}  // namespace

Signal parse_signal(std::string_view name) {
  const auto found = std::ranges::find(kSignalNames, name);
  if (found == kSignalNames.end())
    fail("signal '" + std::string(name) + "'", "not known", "wanted contribution, weight or value",
         did_you_mean(name, kSignalNames));
  return static_cast<Signal>(found - kSignalNames.begin());
}

std::string_view signal_name(Signal signal) {
  return kSignalNames[static_cast<size_t>(signal)];
}

TraceSet::TraceSet(std::vector<std::filesystem::path> paths)
    : size_(paths.size()), paths_(std::move(paths)) {}
TraceSet::TraceSet(std::span<const TraceReader* const> readers)
    : size_(readers.size()), readers_(readers.begin(), readers.end()) {}
TraceSet::~TraceSet() = default;

std::shared_ptr<const TraceReader> TraceSet::open(size_t trace) {
  if (!readers_.empty()) return {readers_.at(trace), [](const TraceReader*) {}};
  for (const auto& [known, reader] : recent_)
    if (known == trace) return reader;
  if (recent_.size() == kOpen) recent_.erase(recent_.begin());
  recent_.emplace_back(trace, std::make_shared<const TraceReader>(paths_.at(trace)));
  return recent_.back().second;
}

std::optional<Analysis> analyze(TraceSet& traces, const AnalyzeOptions& options,
                                const Progress& progress) {
  std::vector<const Surrogate*> nulls = nulls_of(options);
  const WindowPlan plan = plan_windows(traces, options);
  const std::vector<BandPlace> layout = band_places(options.transform, plan.positions());
  Analysis analysis = described(plan, layout, options);
  const IndexRange valid = valid_everywhere(layout, plan.positions());
  const IndexRange usable = usable_part(analysis);
  check_exclusions(options, analysis, usable, valid);
  const size_t block = size_t{1} << options.transform.levels;
  const PieceSetup setup{
      plan,
      options,
      layout,
      std::move(nulls),
      usable,
      BinMap(bins_of(intersection(usable, valid), options.transform.levels), plan.positions()),
      BinMap(bins_of(valid, options.transform.levels), plan.positions()),
      block};
  const size_t least = least_documents(setup.nulls.size(), options.significance);
  const bool few = plan.documents.size() < least && plan.windows.size() > plan.documents.size();
  const UnitKind kind = few ? UnitKind::Window : UnitKind::Document;
  SampleSums sums(setup, kind, analysis.valid_first);
  if (!add_pieces(setup, traces, sums, progress)) return std::nullopt;
  fill_profile(setup, sums, analysis);
  fill_statistics(setup, sums, kind, analysis);
  return analysis;
}

std::optional<Analysis> analyze(std::span<const TraceReader* const> traces,
                                const AnalyzeOptions& options, const Progress& progress) {
  TraceSet set(traces);
  return analyze(set, options, progress);
}

}  // namespace dendrokv
