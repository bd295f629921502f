#include "cli/needle_curves.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "cli/csv.h"

namespace dendrokv {
namespace {

void add(const EvalText& text, size_t policy, size_t i, std::map<uint32_t, Curve>& curves) {
  const NeedleTable& table = *text.needles;
  const Needle& needle = table.needles[i];
  Curve& curve = curves[needle.depth];
  ++curve.facts;
  curve.found += static_cast<uint64_t>(table.found(policy, i));
  curve.loss += static_cast<double>(table.loss(policy, i));
  curve.held += static_cast<double>(table.held(policy, i));
  const SpanSurvival& found = text.spans->policies[policy];
  const size_t lanes = size_t{found.layers} * found.lanes;
  const TextSpan& word = text.spans->spans[2 * i + 1];
  for (size_t lane = 0; lane < lanes; ++lane) {
    const int32_t until = found.held_until[(2 * i + 1) * lanes + lane];
    const bool still = until < 0 || static_cast<uint32_t>(until) >= needle.question_first;
    curve.lane_steps.push_back(still ? INFINITY : static_cast<double>(until) + 1 - word.end);
  }
}

}  // namespace

Curves curves_of(const EvalFile& file) {
  Curves curves(file.policies.size());
  for (const EvalText& text : file.texts)
    for (size_t policy = 0; policy < curves.size(); ++policy)
      for (size_t i = 0; i < text.needles->needles.size(); ++i)
        add(text, policy, i, curves[policy]);
  return curves;
}

FoundInterval found_interval(const Curve& curve) {
  constexpr double kZ = 1.959963984540054;  // 97.5 % of the normal distribution
  const auto facts = static_cast<double>(curve.facts);
  const double share = static_cast<double>(curve.found) / facts, more = kZ * kZ / facts;
  const double middle = (share + more / 2) / (1 + more);
  const double half = kZ / (1 + more) * std::sqrt((share * (1 - share) + more / 4) / facts);
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

double median_steps(const Curve& curve) {
  std::vector<double> steps = curve.lane_steps;
  const auto middle = steps.begin() + static_cast<std::ptrdiff_t>((steps.size() - 1) / 2);
  std::ranges::nth_element(steps, middle);
  return *middle;
}

double lanes_holding(const Curve& curve) {
  const auto holding =
      std::ranges::count_if(curve.lane_steps, [](double steps) { return std::isinf(steps); });
  return static_cast<double>(holding) / static_cast<double>(curve.lane_steps.size());
}

Json curve_json(const EvalFile& file, const Curves& curves) {
  Json results = Json::array();
  for (size_t policy = 0; policy < curves.size(); ++policy)
    for (const auto& [depth, curve] : curves[policy]) {
      const auto facts = static_cast<double>(curve.facts);
      const FoundInterval interval = found_interval(curve);
      results.add(Json::object()
                      .set("policy", file.policies[policy])
                      .set("depth", depth)
                      .set("facts", curve.facts)
                      .set("found", curve.found)
                      .set("answer_nll", curve.loss / facts)
                      .set("held", curve.held / facts)
                      .set("lanes_holding", lanes_holding(curve))
                      .set("median_steps_held", median_steps(curve))
                      .set("found_low", interval.low)
                      .set("found_high", interval.high));
    }
  return results;
}

CsvTable curve_csv(const EvalFile& file, const Curves& curves) {
  std::string csv =
      "policy,depth,facts,found,answer_nll,held,lanes_holding,median_steps_held,found_low,found_"
      "high\n";
  for (size_t policy = 0; policy < curves.size(); ++policy)
    for (const auto& [depth, curve] : curves[policy]) {
      const auto facts = static_cast<double>(curve.facts);
      const FoundInterval interval = found_interval(curve);
      csv += csv_text(file.policies[policy]) + "," + std::to_string(depth) + "," +
             std::to_string(curve.facts) + "," + std::to_string(curve.found) + "," +
             csv_number(curve.loss / facts) + "," + csv_number(curve.held / facts) + "," +
             csv_number(lanes_holding(curve)) + "," + csv_number(median_steps(curve)) + "," +
             csv_number(interval.low) + "," + csv_number(interval.high) + "\n";
    }
  return {"curve.csv", csv};
}

}  // namespace dendrokv
