#pragma once
// What settings are compared on: texts, cut into pieces, or traces; and which of them are held out.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/tune_bench.h"
#include "model/model.h"

namespace dendrokv {

inline constexpr uint64_t kMostTuneTokens = 1 << 24;  // of a piece

struct TuneBenches {
  std::unique_ptr<TuneBench> chosen_on, held_out;
};

/// As the user names them.
struct TuneInputs {
  std::vector<std::string> texts, traces, held_out;
  std::string objective = "loss";  // "error" over traces, "needle" of planted facts
  std::optional<uint64_t> piece, most_pieces;
  std::string depths;  // of facts; empty = by the rows
  uint64_t seed = 1;   // of facts

  bool open_loop() const { return objective == "error"; }
  /// Throws UsageError where the options do not fit each other.
  void check() const;
  /// Throws Error when a trace is of another model: that counts the bytes.
  void check_model(const Model& model) const;
  /// Session and model must outlive the result. `rows` of a lane: the first of a piece do not
  /// count, or say how deep facts lie. Throws Error.
  TuneBenches benches(const Session& session, const Model& model, uint64_t rows) const;

 private:
  TuneBenches benches_of_traces(const Session& session) const;
  TuneBenches benches_of_texts(const Session& session, const Model& model, uint64_t rows) const;
  std::vector<TunePiece> pieces_of(const std::vector<std::string>& files, const Model& model,
                                   uint64_t rows_of_lane) const;
  std::vector<uint32_t> depths_of(uint32_t rows) const;
};

}  // namespace dendrokv
