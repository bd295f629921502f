#pragma once
// What became of planted facts, by policy and depth.

#include <cstdint>
#include <map>
#include <vector>

#include "cli/eval_report.h"
#include "cli/json.h"
#include "data/eval_file.h"

namespace dendrokv {

/// The facts of one depth under one policy.
struct Curve {
  uint64_t facts = 0, found = 0;
  double loss = 0, held = 0;  // sums over facts
  // That a lane held some of the word, infinite = until its question; [fact, lane].
  std::vector<double> lane_steps;
};
using Curves = std::vector<std::map<uint32_t, Curve>>;  // [policy] by depth

Curves curves_of(const EvalFile& file);

struct FoundInterval {
  double low, high;
};
/// 95 % interval of the probability that a fact is found (Wilson, 1927, JASA 22, 209-212), 0 to 1.
FoundInterval found_interval(const Curve& curve);
/// Over lanes and facts; infinite where more than half held some of the word until its question.
double median_steps(const Curve& curve);
/// Share of (fact, lane) that held some of the word until its question.
double lanes_holding(const Curve& curve);

Json curve_json(const EvalFile& file, const Curves& curves);
CsvTable curve_csv(const EvalFile& file, const Curves& curves);

}  // namespace dendrokv
