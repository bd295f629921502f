#include "cache/treekv_options.h"

#include <string_view>

#include "cache/treekv_scores.h"
#include "data/error.h"

namespace dendrokv {
namespace {

size_t scope_of(const Spec& spec) {
  return spec.is_word("scope") ? spec.count("capacity") + 1 : spec.count("scope");
}

void check_scope(const std::string& subject, const Spec& spec) {
  if (scope_of(spec) > spec.count("capacity") + 1)
    fail(subject,
         "scope=" + std::to_string(scope_of(spec)) + " in a tree of " +
             std::to_string(spec.count("capacity")) + " rows",
         "wanted at most " + std::to_string(spec.count("capacity") + 1) + ", or scope=all");
  const bool printed = spec.choice("cursor") == "printed";
  const bool by_cursor = spec.choice("pick") == "cursor";
  if (printed && (scope_of(spec) != 2 || !by_cursor))
    fail(subject, "cursor=printed with another scope than the paper's",
         "wanted scope=2,pick=cursor", "leave out cursor=printed");
  if (spec.choice("stride") == "pass" && (printed || !by_cursor))
    fail(subject, "stride=pass, but no cursor that advances", "wanted cursor=advance,pick=cursor",
         "leave out stride=pass");
}

void check_score(const std::string& subject, const Spec& spec) {
  const std::string score(spec.choice("score"));
  if (spec.real("life") != 1 && score != "mean" && score != "value")
    fail(subject, "life together with score=" + score, "wanted it with score=mean or score=value",
         "leave out one of the two");
  if (spec.real("decay") != 0.98 && score != "ema")
    fail(subject, "decay together with score=" + score, "wanted it with score=ema",
         "leave out decay, or say score=ema");
}

void check_prompt(const std::string& subject, const Spec& spec) {
  if (spec.count("prompt") > 0 && tree_parameters(spec).block_places() == 0)
    fail(subject,
         "block=" + std::to_string(spec.count("block")) + " leaves no room for a second block in " +
             std::to_string(spec.count("capacity") + spec.count("recent")) + " rows",
         "wanted smaller blocks or a larger capacity");
}

}  // namespace

TreeParameters tree_parameters(const Spec& spec) {
  const std::string_view pick = spec.choice("pick");
  const size_t scope = scope_of(spec);
  return {
      .sinks = spec.count("sinks"),
      .recent = spec.count("recent"),
      .capacity = spec.count("capacity"),
      .scope = scope,
      .stride = spec.choice("stride") == "pass" ? scope - 1 : size_t{1},
      .printed = spec.choice("cursor") == "printed",
      .pick = pick == "random" ? TreePick::Random
              : pick == "gap"  ? TreePick::Gap
                               : TreePick::Cursor,
      .tie = tie_of(spec),
      .seed = spec.count("seed"),
      .prompt = spec.count("prompt"),
      .block = spec.count("block"),
      .ragged = spec.choice("ragged") == "oldest" ? Ragged::Oldest : Ragged::Newest,
      .window_competes = spec.choice("window") == "competes",
      .start_from_window = spec.choice("start") == "window",
  };
}

PolicyShape tree_shape(const Spec& spec) {
  PolicyShape shape = shape_of_options(spec);
  shape.scores = tree_score_use(spec);
  if (spec.choice("score") == "value") shape.inputs = {Input::ValueNorms};
  if (spec.choice("score") == "sum" || spec.real("life") < 1) shape.growth = ScoreGrowth::WithLife;
  if (scope_of(spec) == 2)
    shape.contest = spec.choice("pick") == "cursor" ? Contest::CursorPair : Contest::Pair;
  if (shape.prompt == 0) return shape;
  shape.window = static_cast<uint32_t>(spec.count("block"));
  shape.prompt_cut = PromptCut::Blocks;
  shape.fewest_kept = shape.sinks + shape.recent;
  return shape;
}

void check_tree(const std::string& subject, const Spec& spec) {
  check_scope(subject, spec);
  check_score(subject, spec);
  check_prompt(subject, spec);
}

}  // namespace dendrokv
