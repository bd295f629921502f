#pragma once
// What an evaluation says about each policy: means over all scored tokens, with limits from a
// bootstrap.
//
// The unit of resampling is the text: losses of one text depend on each other. With a single text,
// whole blocks of consecutive tokens are drawn instead; that says how much the mean moves within
// this text, and nothing about other texts.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "analysis/resampling.h"
#include "data/eval_file.h"

namespace dendrokv {

/// A mean and its limits; the limits are NaN with fewer than two units.
struct Estimate {
  double mean, lower, upper;
};

struct PolicySummary {
  uint64_t tokens_scored = 0;
  Estimate nll{};         // nat per token
  Estimate difference{};  // of nll to that of the baseline, token by token
  Estimate hits{};        // share of tokens that were the likeliest one
  Estimate kl{};          // to the reference, nat per token; NaN without one
  // Share of tokens at which the likeliest one is that of the reference; NaN without one.
  Estimate agreement{};
  double perplexity = 0;  // exp of the mean loss
  CacheTotals cache;      // what was read: of all texts; what was held: the most of any
  double rows_held = 0;   // per lane, at most
  double rows_read = 0;   // per lane and token
  double bytes_read = 0;  // per token, over all lanes
};

enum class ResamplingUnit : uint8_t { Texts, Blocks };

struct LossSummary {
  ResamplingUnit unit = ResamplingUnit::Texts;
  size_t units = 0, block_tokens = 0;  // block_tokens 0: texts are the units
  size_t baseline = 0;                 // the reference, else the first policy
  uint64_t tokens = 0;                 // of all texts, as far as they were reached
  double seconds = 0;                  // for all policies together
  std::vector<PolicySummary> policies;
};

/// Tokens before file.scored_from are left out. `unit`: texts where there are several, unless said.
LossSummary summarise(const EvalFile& file, std::optional<ResamplingUnit> unit, double confidence,
                      const Resampling& resampling);

}  // namespace dendrokv
