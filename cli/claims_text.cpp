#include "cli/claims_text.h"

#include <cmath>

#include "cli/format.h"

namespace dendrokv {
namespace {

std::string counted(uint32_t count, const std::string& word) {
  return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

std::string signed_number(double value) {
  return (value > 0 ? "+" : "") + significant(value);
}

}  // namespace

std::string sample_words(const Analysis& analysis) {
  const Statistics& statistics = analysis.statistics;
  if (statistics.unit == "window")
    return counted(statistics.windows, "window") + " of " + counted(statistics.documents, "text") +
           " as pseudo-samples";
  std::string words = counted(statistics.documents, "document");
  if (statistics.windows != statistics.documents)
    words += " of " + counted(statistics.windows, "window");
  return words;
}

std::string confidence_words(const Analysis& analysis) {
  std::string number = significant(analysis.statistics.confidence * 100);
  if (number.find('.') != std::string::npos) {
    number.erase(number.find_last_not_of('0') + 1);
    if (number.back() == '.') number.pop_back();
  }
  return number + " %";
}

std::string claims_text(const Analysis& analysis) {
  TextTable table;
  table.row(
      {"verdict", "claim", "ln ratio", confidence_words(analysis) + " interval", "p adjusted"});
  for (const Claim& claim : analysis.statistics.claims) {
    const bool known = !std::isnan(claim.effect);
    table.row({std::string(verdict_name(claim.verdict)), claim.statement,
               known ? signed_number(claim.effect) : "-",
               std::isnan(claim.lower)
                   ? "-"
                   : signed_number(claim.lower) + " to " + signed_number(claim.upper),
               significant(claim.p_value)});
  }
  return "claims over " + sample_words(analysis) + "\n" + table.text(2);
}

}  // namespace dendrokv
