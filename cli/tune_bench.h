#pragma once
// Where the losses of settings come from, piece by piece: texts through the engine, or traces.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/tune_pieces.h"

namespace dendrokv {

class TuneBench {
 public:
  virtual ~TuneBench() = default;
  /// Of the pieces.
  virtual std::vector<std::string> names() const = 0;
  /// SHA-256 over what the pieces are and which parts of them count.
  virtual std::string fingerprint() const = 0;
  /// losses[i] is that of policies[i]. False: stopped by `progress`.
  virtual bool measure(std::span<const PolicyChoice> policies, size_t piece,
                       const Progress& progress, std::span<double> losses) = 0;
};

/// Closed loop: mean loss of the tokens that count, nat. Model and session must outlive it.
std::unique_ptr<TuneBench> bench_of_texts(const Session& session, const Model& model,
                                          std::vector<TunePiece> pieces);
/// Open loop: relative error of the attention's output over a trace. A piece is a trace.
std::unique_ptr<TuneBench> bench_of_traces(const Session& session, std::vector<std::string> traces);

/// Places of pieces: those to choose on, and those that decide.
struct PartedPieces {
  std::vector<size_t> chosen_on;
  std::vector<size_t> held_out;  // places among the held-out ones, where there are such
};
/// Every third of `pieces` is held out where there are no `held_out` ones. Of more than `most` that
/// many are taken to choose on, evenly spread, and of pieces that were held out here a third of
/// that. Throws Error when fewer than two of each are left.
PartedPieces part_pieces(size_t pieces, size_t held_out, std::optional<uint64_t> most);

}  // namespace dendrokv
