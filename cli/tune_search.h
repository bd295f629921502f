#pragma once
// The search of `dendrokv tune`: losses of settings on pieces, each measured once and kept on disk,
// and the decision on held-out ones.

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cli/terminal.h"
#include "cli/tune_bench.h"
#include "cli/tune_settings.h"
#include "data/tune_file.h"

namespace dendrokv {

/// Losses of specs on pieces.
class Ledger {
 public:
  void take_over(const TuneFile& before);
  bool has(const std::string& spec, const std::string& piece) const {
    return losses_.contains({spec, piece});
  }
  /// NaN = not measured.
  double at(const std::string& spec, const std::string& piece) const;
  void set(const std::string& spec, const std::string& piece, double loss) {
    losses_[{spec, piece}] = loss;
  }
  size_t size() const { return losses_.size(); }
  /// [spec, piece]
  Grid<double> grid(const std::vector<std::string>& specs,
                    const std::vector<std::string>& pieces) const;

 private:
  std::map<std::pair<std::string, std::string>, double> losses_;
};

/// How a search is made.
struct TunePlan {
  std::string method = "halving";  // or "grid"
  uint64_t local = 1;            // rounds of the search between the best setting and its neighbours
  uint64_t finalists = 4;        // that are measured on held-out pieces, the baseline among them
  std::string baseline;          // spec
  std::filesystem::path output;  // empty: nothing is kept on disk
};

class TuneSearch {
 public:
  /// `file` says what is searched and takes what is found: the members of TuneFile from `settings`
  /// on. With an output, losses of an unfinished search of the same thing are taken over from its
  /// .part file. All must outlive the object.
  TuneSearch(const TunePlan& plan, const Session& session, TuneSettings& settings, TuneFile& file);

  /// Chooses on the pieces of one bench and decides on those of the other. False: stopped; what was
  /// measured is on disk.
  bool run(TuneBench& bench, TuneBench& held_out);
  /// Losses that are known.
  size_t measured() const { return ledger_.size(); }

 private:
  struct Stopped {};

  void take_over();
  /// Measures what is not known yet on one of the pieces; keeps it on disk. Throws Stopped.
  std::vector<double> measure(TuneBench& bench, const std::vector<std::string>& names,
                              std::span<const size_t> settings, size_t piece,
                              const Progress& progress);
  /// The same on all pieces, [setting, piece].
  Grid<double> measure_all(TuneBench& bench, const std::vector<std::string>& names,
                           std::span<const size_t> settings, const std::string& work);
  void save();
  void search(TuneBench& bench);
  void search_locally(TuneBench& bench);
  void measure_gain(TuneBench& bench);
  void tell_best(std::span<const size_t> settings, size_t piece, ProgressLine& line) const;
  std::vector<size_t> finalists();
  void decide(TuneBench& bench);
  void compare(const std::vector<size_t>& chosen);

  const TunePlan& plan_;
  const Session& session_;
  TuneSettings& settings_;
  TuneFile& file_;
  const PolicyChoice baseline_;
  Ledger ledger_;
  size_t best_ = 0;
};

}  // namespace dendrokv
