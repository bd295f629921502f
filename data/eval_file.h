#pragma once
// A file of closed-loop evaluations (`dendrokv eval`): the loss of every token of some texts under
// some policies, and what came of planted facts and named spans. Layout: docs/files.md.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/budget_map.h"
#include "data/grid.h"
#include "data/span_survival.h"
#include "data/trace.h"
#include "data/trace_reader.h"

namespace dendrokv {

/// What the cache of a policy held and what queries read of it, over the tokens of a text. Bytes
/// are those of keys and values as stored, un-rotated keys beside rotated ones among what is held.
struct CacheTotals {
  uint64_t lanes = 0;                      // layers x lanes of a layer
  uint64_t most_rows = 0, most_bytes = 0;  // held at once, over all lanes
  uint64_t rows_read = 0, bytes_read = 0;  // over all lanes and steps
  bool operator==(const CacheTotals&) const = default;
};

/// Named parts of a text under each policy.
struct SpanTable {
  std::vector<TextSpan> spans;
  std::vector<Step> steps;             // at which it was looked
  std::vector<SpanSurvival> policies;  // [policy]
};

/// A fact planted in a text, and the question behind it.
struct Needle {
  uint32_t depth = 0;                         // tokens between the fact and its question
  uint32_t question_first = 0;                // where the question begins,
  uint32_t answer_first = 0, answer_end = 0;  // and its answer
  std::string subject, answer;                // as they stand in the text
  bool operator==(const Needle&) const = default;
};

/// Facts of a text under each policy. The spans of the text are, for each needle in turn, the fact
/// and the answer within it.
struct NeedleTable {
  std::vector<Needle> needles;
  Grid<float> loss;     // [policy, needle]: mean over the answer's tokens, nat
  Grid<int32_t> found;  // [policy, needle]: 1 = each token of the answer was the likeliest one
  // [policy, needle]: fraction of (answer token of the fact, lane) in the cache when the question
  // began
  Grid<float> held;
};

/// One text under every policy. Rows are [policy, token]; NaN and -1 where nothing was scored: the
/// first token, and tokens that were not reached.
struct EvalText {
  std::string name;
  std::vector<int32_t> ids;
  uint32_t reached = 0;  // tokens that went through the model; all of them in a complete file
  double seconds = 0;    // for all policies together
  Grid<float> nll;       // -ln p(token), nat
  Grid<int32_t> top1;    // the likeliest token
  Grid<float> kl;        // KL(reference || policy), nat; empty without a reference
  std::vector<CacheTotals> cache;  // [policy]
  std::optional<SpanTable> spans = {};
  std::optional<NeedleTable> needles = {};
};

struct EvalFile {
  std::string uuid, created, creator, command_line;
  bool complete = true;
  ModelFacts model;                   // name, sha256 and shape
  std::string arithmetic;             // "fast" or "exact"
  std::string protocol;               // "loss", "needle", "spans"
  uint64_t seed = 1;                  // of resampling and of planted facts
  uint32_t scored_from = 0;           // means leave out the tokens before
  std::vector<std::string> policies;  // full specs
  // [policy]: rows of each lane, where the spec names a budget map; empty = none does
  LaneBudgets lane_budgets = {};
  std::optional<uint32_t> reference;  // that kl is against
  std::vector<EvalText> texts;

  /// Of a policy. What a file says that was written before they were kept: nothing.
  std::optional<BudgetMap> lane_budget(size_t policy) const {
    return policy < lane_budgets.size() ? lane_budgets[policy] : std::nullopt;
  }
};

/// A text of which nothing has been scored; `reference` as in the file.
EvalText unscored_text(std::string name, std::vector<int32_t> ids, size_t policies,
                       std::optional<uint32_t> reference);

/// Writes `path` or, unless file.complete, `path`.part; the one before stays until the new one is
/// whole. Fills uuid, created and creator when empty. Throws Error.
void write_eval(const std::filesystem::path& path, EvalFile& file);
/// Throws Error: missing, another kind of file, damaged, not complete unless that is wanted.
EvalFile read_eval(const std::filesystem::path& path, Incomplete incomplete = Incomplete::Refuse);

}  // namespace dendrokv
