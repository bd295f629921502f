#pragma once
// An audit for people, as a table, and for programs, as JSON.

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

/// {"file", "checks": [{"name", "ok", "detail"}], "ok"}; `ok` of a check that was not to be had is null.
Json audit_json(const Audit& audit);

/// Done, or FellShort when something is red.
ExitStatus audit_status(const Audit& audit);

}  // namespace dendrokv
