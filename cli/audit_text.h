#pragma once
// An audit for people, as a table, and for programs, as JSON.

#include <span>
#include <string>

#include "cache/checks.h"
#include "cli/command.h"
#include "cli/json.h"

namespace dendrokv {

enum class Colour : uint8_t { Never, Always };
/// Colour where standard output is a terminal.
Colour colour_of_output();

/// One line per check: ok, RED or -, name, the value found.
std::string audit_text(const Audit& audit, Colour colour);

/// {"file", "checks": [{"name", "ok", "detail"}], "ok"}; `ok` of a check that was not to be had is
/// null.
Json audit_json(const Audit& audit);

/// Done, or FellShort when something is red.
ExitStatus audit_status(const Audit& audit);

/// Of one cache over several texts: what is red in any of them is red, with the text's name.
void add_text(Audit& sum, const Audit& audit, const std::string& text);

/// Several, one behind the other; a JSON array; Done if none has anything red.
std::string audits_text(std::span<const Audit> audits, Colour colour);
Json audits_json(std::span<const Audit> audits);
ExitStatus audits_status(std::span<const Audit> audits);

}  // namespace dendrokv
