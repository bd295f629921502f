#pragma once
// What a search found: a table of its finalists and the spec to use, or JSON.

#include <filesystem>

#include "cli/command.h"
#include "cli/tune_settings.h"
#include "data/tune_file.h"

namespace dendrokv {

void print_tune_table(const Session& session, const TuneSettings& settings, const TuneFile& file);
/// `output`: where the file was written; empty = nowhere.
void print_tune_json(const std::filesystem::path& output, const TuneFile& file);

}  // namespace dendrokv
