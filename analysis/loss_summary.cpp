#include "analysis/loss_summary.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
// Long enough that what one sentence does to its neighbours stays within a block, short enough that
// there are some thirty of them.
constexpr uint32_t kShortestBlock = 64, kBlocksOfText = 32;

// Consecutive tokens of a text that are drawn together.
struct Stretch {
  const EvalText* text;
  uint32_t first, end;
};

uint32_t first_scored(const EvalFile& file) {
  return std::max(file.scored_from, 1u);
}

uint32_t block_length(const EvalFile& file) {
  uint32_t longest = 0;
  for (const EvalText& text : file.texts)
    if (text.reached > first_scored(file))
      longest = std::max(longest, text.reached - first_scored(file));
  return std::max(kShortestBlock, (longest + kBlocksOfText - 1) / kBlocksOfText);
}

// `length` 0: a text is one stretch. A short rest joins the block before it.
std::vector<Stretch> stretches_of(const EvalFile& file, uint32_t length) {
  std::vector<Stretch> stretches;
  for (const EvalText& text : file.texts) {
    for (uint32_t first = first_scored(file); first < text.reached;) {
      uint32_t end = length == 0 ? text.reached : std::min(first + length, text.reached);
      if (text.reached - end < length / 2) end = text.reached;
      stretches.push_back({&text, first, end});
      first = end;
    }
  }
  return stretches;
}

enum Column : size_t { Loss, Difference, Hits, Divergence, Agreement, kColumns };

// The means over a stretch of one policy.
void fill(const Stretch& stretch, size_t policy, size_t baseline, std::optional<uint32_t> reference,
          std::span<double> columns) {
  const EvalText& text = *stretch.text;
  for (uint32_t t = stretch.first; t < stretch.end; ++t) {
    columns[Loss] += static_cast<double>(text.nll(policy, t));
    columns[Difference] +=
        static_cast<double>(text.nll(policy, t)) - static_cast<double>(text.nll(baseline, t));
    columns[Hits] += text.top1(policy, t) == text.ids[t] ? 1 : 0;
    if (!reference) continue;
    columns[Divergence] += static_cast<double>(text.kl(policy, t));
    columns[Agreement] += text.top1(policy, t) == text.top1(*reference, t) ? 1 : 0;
  }
  for (double& value : columns) value /= stretch.end - stretch.first;
}

void add_cache(const EvalFile& file, size_t policy, uint64_t tokens, PolicySummary& summary) {
  CacheTotals& cache = summary.cache;
  for (const EvalText& text : file.texts) {
    const CacheTotals& one = text.cache[policy];
    cache.lanes = std::max(cache.lanes, one.lanes);
    cache.most_rows = std::max(cache.most_rows, one.most_rows);
    cache.most_bytes = std::max(cache.most_bytes, one.most_bytes);
    cache.rows_read += one.rows_read;
    cache.bytes_read += one.bytes_read;
  }
  const auto lanes = static_cast<double>(cache.lanes);
  const auto count = static_cast<double>(tokens);
  summary.rows_held = static_cast<double>(cache.most_rows) / lanes;
  summary.rows_read = static_cast<double>(cache.rows_read) / lanes / count;
  summary.bytes_read = static_cast<double>(cache.bytes_read) / count;
}

Estimate estimate(const Band& band, size_t column, size_t units) {
  if (units < 2) return {band.mean[column], kNone, kNone};
  return {band.mean[column], band.lower[column], band.upper[column]};
}

}  // namespace

LossSummary summarise(const EvalFile& file, std::optional<ResamplingUnit> unit, double confidence,
                      const Resampling& resampling) {
  LossSummary summary;
  summary.unit =
      unit.value_or(file.texts.size() > 1 ? ResamplingUnit::Texts : ResamplingUnit::Blocks);
  if (summary.unit == ResamplingUnit::Blocks) summary.block_tokens = block_length(file);
  summary.baseline = file.reference.value_or(0);
  for (const EvalText& text : file.texts) {
    summary.tokens += text.reached;
    summary.seconds += text.seconds;
  }
  const std::vector<Stretch> stretches =
      stretches_of(file, static_cast<uint32_t>(summary.block_tokens));
  summary.units = stretches.size();
  const size_t policies = file.policies.size();
  summary.policies.resize(policies);
  if (stretches.empty()) return summary;

  Grid<double> statistics(stretches.size(), policies * kColumns);
  std::vector<double> weights;
  uint64_t scored = 0;
  for (size_t s = 0; s < stretches.size(); ++s) {
    for (size_t policy = 0; policy < policies; ++policy)
      fill(stretches[s], policy, summary.baseline, file.reference,
           statistics.row(s).subspan(policy * kColumns, kColumns));
    weights.push_back(stretches[s].end - stretches[s].first);
    scored += stretches[s].end - stretches[s].first;
  }
  const Band band = percentile_band(statistics.view(), weights, confidence, resampling);
  for (size_t policy = 0; policy < policies; ++policy) {
    PolicySummary& of = summary.policies[policy];
    const auto column = [&](Column c) {
      return estimate(band, policy * kColumns + c, stretches.size());
    };
    of.tokens_scored = scored;
    of.nll = column(Loss);
    of.difference = column(Difference);
    of.hits = column(Hits);
    of.kl = file.reference ? column(Divergence) : Estimate{kNone, kNone, kNone};
    of.agreement = file.reference ? column(Agreement) : Estimate{kNone, kNone, kNone};
    of.perplexity = std::exp(of.nll.mean);
    add_cache(file, policy, summary.tokens, of);
  }
  return summary;
}

}  // namespace dendrokv
