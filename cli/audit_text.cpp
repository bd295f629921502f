#include "cli/audit_text.h"

#include <algorithm>
#include <unistd.h>

namespace dendrokv {
namespace {

std::string_view mark(Outcome outcome) {
  switch (outcome) {
    case Outcome::Good:
      return "green";
    case Outcome::Bad:
      return "RED";
    case Outcome::NotApplicable:
      return "-";
  }
  return {};
}

std::string painted(std::string_view text, Outcome outcome) {
  const std::string_view colour = outcome == Outcome::Good  ? "\033[32m"
                                  : outcome == Outcome::Bad ? "\033[1;31m"
                                                            : "\033[2m";
  return std::string(colour) + std::string(text) + "\033[0m";
}

std::string detail_of(const Finding& finding) {
  return (finding.outcome == Outcome::NotApplicable ? "not applicable: " : "") + finding.detail;
}

/// A red one says what is wanted, too.
std::string line_of(const Check& check) {
  const bool red = check.finding.outcome == Outcome::Bad;
  return detail_of(check.finding) + (red ? "; wanted: " + check.meaning : "");
}

std::string padded(std::string_view text, size_t width) {
  return std::string(text) + std::string(width - std::min(width, text.size()), ' ');
}

std::string summary(const Audit& audit) {
  const auto count = [&](Outcome outcome) {
    return std::to_string(std::ranges::count_if(
        audit.checks, [&](const Check& check) { return check.finding.outcome == outcome; }));
  };
  return count(Outcome::Good) + " green, " + count(Outcome::Bad) + " red, " +
         count(Outcome::NotApplicable) + " not applicable";
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
    const std::string word = padded(mark(check.finding.outcome), 5);
    text += (colour == Colour::Always ? painted(word, check.finding.outcome) : word) + "  " +
            padded(check.name, widest) + "  " + line_of(check) + "\n";
  }
  return text + audit.subject + ": " + summary(audit) + "\n";
}

Json audit_json(const Audit& audit) {
  Json checks = Json::array();
  for (const Check& check : audit.checks)
    checks.add(Json::object()
                   .set("name", check.name)
                   .set("ok", check.finding.outcome == Outcome::NotApplicable
                                  ? Json::null()
                                  : Json(check.finding.outcome == Outcome::Good))
                   .set("detail", detail_of(check.finding))
                   .set("meaning", check.meaning));
  return Json::object().set("file", audit.subject).set("checks", checks).set("ok", audit.ok());
}

void add_text(Audit& sum, const Audit& audit, const std::string& text) {
  for (Check check : audit.checks) {
    const bool red = check.finding.outcome == Outcome::Bad;
    if (red) check.finding.detail = text + ": " + check.finding.detail;
    const auto same = std::ranges::find(sum.checks, check.name, &Check::name);
    if (same == sum.checks.end())
      sum.checks.push_back(std::move(check));
    else if (same->finding.outcome == Outcome::NotApplicable ||
             (red && same->finding.outcome == Outcome::Good))
      *same = std::move(check);
  }
}

std::string audits_text(std::span<const Audit> audits, Colour colour) {
  std::string text;
  for (const Audit& audit : audits) text += audit_text(audit, colour);
  return text;
}

Json audits_json(std::span<const Audit> audits) {
  Json all = Json::array();
  for (const Audit& audit : audits) all.add(audit_json(audit));
  return all;
}

ExitStatus audits_status(std::span<const Audit> audits) {
  return std::ranges::all_of(audits, &Audit::ok) ? ExitStatus::Done : ExitStatus::FellShort;
}

ExitStatus audit_status(const Audit& audit) {
  return audit.ok() ? ExitStatus::Done : ExitStatus::FellShort;
}

}  // namespace dendrokv
