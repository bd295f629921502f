#include "cli/audit_text.h"

#include <algorithm>
#include <unistd.h>

namespace dendrokv {
namespace {

std::string_view mark(Verdict verdict) {
  switch (verdict) {
    case Verdict::Good:
      return "green";
    case Verdict::Bad:
      return "RED";
    case Verdict::NotApplicable:
      return "-";
  }
  return {};
}

std::string painted(std::string_view text, Verdict verdict) {
  const std::string_view colour = verdict == Verdict::Good  ? "\033[32m"
                                  : verdict == Verdict::Bad ? "\033[1;31m"
                                                            : "\033[2m";
  return std::string(colour) + std::string(text) + "\033[0m";
}

std::string detail_of(const Finding& finding) {
  return (finding.verdict == Verdict::NotApplicable ? "not applicable: " : "") + finding.detail;
}

/// A red one says what is wanted, too.
std::string line_of(const Check& check) {
  const bool red = check.finding.verdict == Verdict::Bad;
  return detail_of(check.finding) + (red ? "; wanted: " + check.meaning : "");
}

std::string padded(std::string_view text, size_t width) {
  return std::string(text) + std::string(width - std::min(width, text.size()), ' ');
}

std::string summary(const Audit& audit) {
  const auto count = [&](Verdict verdict) {
    return std::to_string(std::ranges::count_if(
        audit.checks, [&](const Check& check) { return check.finding.verdict == verdict; }));
  };
  return count(Verdict::Good) + " green, " + count(Verdict::Bad) + " red, " +
         count(Verdict::NotApplicable) + " not applicable";
}

}  // namespace

Colour colour_of_output() {
  return isatty(STDOUT_FILENO) == 1 ? Colour::Always : Colour::Never;
}

std::string audit_text(const Audit& audit, Colour colour) {
  size_t widest = 0;
  for (const Check& check : audit.checks) widest = std::max(widest, check.name.size());
  std::string text;
  for (const Check& check : audit.checks) {
    const std::string word = padded(mark(check.finding.verdict), 5);
    text += (colour == Colour::Always ? painted(word, check.finding.verdict) : word) + "  " +
            padded(check.name, widest) + "  " + line_of(check) + "\n";
  }
  return text + audit.subject + ": " + summary(audit) + "\n";
}

Json audit_json(const Audit& audit) {
  Json checks = Json::array();
  for (const Check& check : audit.checks)
    checks.add(Json::object()
                   .set("name", check.name)
                   .set("ok", check.finding.verdict == Verdict::NotApplicable
                                  ? Json::null()
                                  : Json(check.finding.verdict == Verdict::Good))
                   .set("detail", detail_of(check.finding))
                   .set("meaning", check.meaning));
  return Json::object().set("file", audit.subject).set("checks", checks).set("ok", audit.ok());
}

ExitStatus audit_status(const Audit& audit) {
  return audit.ok() ? ExitStatus::Done : ExitStatus::FellShort;
}

}  // namespace dendrokv
