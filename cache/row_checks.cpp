#include "cache/row_checks.h"

#include <algorithm>
#include <optional>
#include <string>

#include "cache/head_rows.h"
#include "cache/pyramid_check.h"

namespace dendrokv {
namespace {

constexpr size_t kBlockSteps = 64;  // a multiple of the pyramid's four

/// All heads that are read.
class RowPass {
 public:
  RowPass(const TraceReader& trace, const h5::File& file, const Run* run, uint64_t most_bytes)
      : trace_(trace), info_(trace.info()), file_(file), run_(run) {
    pairs_ = info_.layers.size() * info_.heads.size();
    const uint64_t of_pair = std::max<uint64_t>(1, info_.logical_bytes / pairs_);
    read_ = std::clamp<uint64_t>(most_bytes / of_pair, 1, pairs_);
  }

  void read(const Progress& progress) {
    for (uint64_t nth = 0; nth < read_; ++nth) {
      const uint64_t pair = nth * pairs_ / read_;
      read_head(pair / info_.heads.size(), pair % info_.heads.size());
      if (progress && progress(nth + 1, read_) == Continue::Stop) {
        read_ = nth + 1;
        return;
      }
    }
  }

  RowFindings findings() const {
    const std::string heads = std::to_string(read_) + " of " + std::to_string(pairs_) +
                              " heads x " + std::to_string(info_.steps.size()) + " steps";
    RowFindings findings;
    const Capture& capture = info_.capture;
    const bool sums = full() || capture.top_k > 0 || capture.pool > 0;
    findings.softmax =
        !sums ? not_applicable("the trace holds the entropy of rows alone")
        : softmax_.empty()
            ? good("sums " + number_text(lowest_) + " to " + number_text(highest_) + ", " + heads)
            : bad(softmax_);
    findings.absent = !full()           ? not_applicable("the trace holds no full rows")
                      : absent_.empty() ? good(run_ ? "absent where the record says, " + heads
                                                    : "absent where nothing has come yet, " + heads)
                                        : bad(absent_);
    findings.pyramid = !full()            ? not_applicable("the trace holds no full rows")
                       : !has_pyramid()   ? not_applicable("the trace has no pyramid")
                       : pyramid_.empty() ? good(std::to_string(cells_) + " cells, " + heads)
                                          : bad(pyramid_);
    const bool reduced =
        capture.top_k > 0 || capture.pool > 0 || capture.entropy == EntropyRows::Record;
    findings.reductions = !reduced              ? not_applicable("the trace holds full rows only")
                          : reductions_.empty() ? good(capture.text() + ", " + heads)
                                                : bad(reductions_);
    return findings;
  }

 private:
  bool full() const { return info_.capture.rows == FullRows::Record; }
  bool has_pyramid() const { return file_.has("/pyramid/1/max"); }

  void read_head(size_t layer, size_t head) {
    HeadRows rows(trace_, run_, layer, head);
    std::optional<PyramidCheck> pyramid;
    if (full() && has_pyramid() && pyramid_.empty())
      pyramid.emplace(file_, layer, head, info_.steps, info_.tokens);
    Grid<float> block(kBlockSteps, full() ? info_.tokens : 0);
    for (size_t first = 0; first < info_.steps.size(); first += kBlockSteps) {
      const IndexRange steps{first, std::min(kBlockSteps, info_.steps.size() - first)};
      if (full()) {
        const GridView<float> view = block.view().rows_from(0, steps.count);
        trace_.read_weights(layer, head, steps, {0, info_.tokens}, view);
        rows.add_full(first, view);
        if (pyramid) pyramid->add(first, view);
      }
      rows.add_reductions(steps);
    }
    lowest_ = std::min(lowest_, rows.lowest_sum);
    highest_ = std::max(highest_, rows.highest_sum);
    keep(softmax_, rows.softmax_fault);
    keep(absent_, rows.absent_fault);
    keep(reductions_, rows.reduction_fault);
    if (!pyramid) return;
    keep(pyramid_, pyramid->finish());
    cells_ += pyramid->cells();
  }

  static void keep(std::string& first, const std::string& fault) {
    if (first.empty()) first = fault;
  }

  const TraceReader& trace_;
  const TraceInfo& info_;
  const h5::File& file_;
  const Run* run_;
  uint64_t pairs_ = 0, read_ = 0, cells_ = 0;
  double lowest_ = 2, highest_ = 0;
  std::string softmax_, absent_, pyramid_, reductions_;  // the first fault of each
};

}  // namespace

RowFindings check_attention_rows(const TraceReader& trace, const h5::File& file, const Run* run,
                                 uint64_t most_bytes, const Progress& progress) {
  RowPass pass(trace, file, run, most_bytes);
  pass.read(progress);
  return pass.findings();
}

}  // namespace dendrokv
