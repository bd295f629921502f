#include "cli/trace_summary.h"

#include <iostream>

#include "cli/audit_text.h"
#include "cli/format.h"
#include "cli/json.h"

namespace dendrokv {
namespace {

Json summary(const std::filesystem::path& output, const Recorded& recorded, double seconds) {
  Json json = Json::object()
                  .set("output", output.string())
                  .set("tokens", uint64_t{recorded.fed})
                  .set("seconds", seconds)
                  .set("tokens_per_second", static_cast<double>(recorded.fed) / seconds)
                  .set("bytes_written", recorded.bytes)
                  .set("rows_written", recorded.written)
                  .set("uuid", recorded.uuid)
                  .set("mean_nll", recorded.mean_loss())
                  .set("rows_held", mean_rows(recorded.rows.held, recorded.rows))
                  .set("rows_read", mean_rows(recorded.rows.read, recorded.rows));
  if (recorded.audit) json.set("audit", audit_json(*recorded.audit));
  return json;
}

}  // namespace

void print_trace(const Session& session, const std::filesystem::path& output,
                 const Recorded& recorded, double seconds) {
  if (session.json()) {
    std::cout << summary(output, recorded, seconds).text() << "\n";
    return;
  }
  session.note("trace: " + std::to_string(recorded.fed) + " tokens in " + significant(seconds) +
               " s, " + significant(static_cast<double>(recorded.fed) / seconds) + " tokens/s, " +
               std::to_string(recorded.written) + " rows, " + bytes_text(recorded.bytes) +
               ", mean loss " + significant(recorded.mean_loss()) + " nat, " +
               rows_text(recorded.rows));
  std::cout << output.string() << "\n";
  if (recorded.audit) std::cout << audit_text(*recorded.audit, colour_of_output());
}

void print_windows(const Session& session, const std::filesystem::path& output,
                   const std::vector<std::string>& files, const Recorded& sum, double seconds) {
  if (session.json()) {
    Json json = summary(output, sum, seconds);
    std::cout << json.set("files", files).text() << "\n";
    return;
  }
  for (const std::string& file : files) std::cout << file << "\n";
  if (sum.audit) std::cout << audit_text(*sum.audit, colour_of_output());
}

void tell_stopped(const Session& session, const std::filesystem::path& output, size_t fed,
                  size_t planned) {
  const std::string part = output.string() + ".part";
  say(session.verbosity, Verbosity::Quiet,
      "dendrokv: trace: stopped after " + std::to_string(fed) + " of " + std::to_string(planned) +
          " tokens; " + part + " holds them (dendrokv info " + part +
          "); run the same command again for the whole, or with --tokens " + std::to_string(fed) +
          " for this much");
}

void tell_stopped_at_window(const Session& session, size_t window, size_t windows) {
  say(session.verbosity, Verbosity::Quiet,
      "dendrokv: trace: stopped after " + std::to_string(window) + " of " +
          std::to_string(windows) + " windows; run the same command again to go on");
}

}  // namespace dendrokv
