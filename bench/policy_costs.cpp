#include "bench/policy_costs.h"

#include <ctime>
#include <memory>
#include <regex>
#include <string>
#include <vector>

#include "bench/setup.h"
#include "cache/policies.h"

namespace dendrokv::bench {
namespace {

constexpr size_t kCycle = 128;  // tokens; the default of `every`, so that each cycle has one cut
constexpr size_t kCycles = 3;
constexpr size_t kDepth = 1'600;

double processor_seconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

class Stream {
 public:
  Stream(const Model& model, DecoderOptions options, std::string policy, size_t depth)
      : policy_(std::move(policy)), ids_(some_tokens(model, 4096)) {
    options.evictions = EvictionLog::Discard;
    decoder_ = std::make_unique<Decoder>(model, PolicyChoice(policy_), options);
    for (size_t fed = 0; fed < depth; fed += 64) feed(std::min<size_t>(64, depth - fed));
    cycles_.resize(kCycles);
  }

  void decode(size_t cycle) {
    Cycle& now = cycles_[cycle];
    const double processor = processor_seconds();
    now.seconds += seconds_of([&] { feed(1); });
    now.processor += processor_seconds() - processor;
    const CacheRows rows = decoder_->rows();
    now.rows += static_cast<double>(rows.read) / static_cast<double>(rows.lanes);
  }

  const std::string& policy() const { return policy_; }
  /// Per token, medians over the cycles.
  double milliseconds() const {
    return of_cycles([](const Cycle& cycle) { return 1e3 * cycle.seconds; });
  }
  double processor_milliseconds() const {
    return of_cycles([](const Cycle& cycle) { return 1e3 * cycle.processor; });
  }
  double rows() const {
    return of_cycles([](const Cycle& cycle) { return cycle.rows; });
  }

 private:
  struct Cycle {
    double seconds = 0, processor = 0, rows = 0;  // sums over its tokens
  };

  template <class Of>
  double of_cycles(const Of& of) const {
    std::vector<double> numbers;
    for (const Cycle& cycle : cycles_) numbers.push_back(of(cycle) / static_cast<double>(kCycle));
    return median(numbers);
  }

  void feed(size_t count) {
    if (at_ + count > ids_.size()) at_ = 0;
    decoder_->feed(std::span(ids_).subspan(at_, count), LogitsOf::Last, nullptr);
    at_ += count;
  }

  std::string policy_;
  std::vector<int32_t> ids_;
  std::unique_ptr<Decoder> decoder_;
  size_t at_ = 0;
  std::vector<Cycle> cycles_;
};

/// Between two full caches, time grows with the rows.
double at_rows(const Stream& few, const Stream& many, double rows, double (Stream::*time)() const) {
  const double share = (rows - few.rows()) / (many.rows() - few.rows());
  return (few.*time)() + share * ((many.*time)() - (few.*time)());
}

}  // namespace

void append_policy_costs(const Options& options, JsonObject& result) {
  const Model model = load_model(options);
  const std::regex wanted(options.filter.empty() ? ".*" : options.filter);
  std::vector<std::unique_ptr<Stream>> streams;
  for (const size_t depth : {size_t{512}, size_t{1'280}})
    streams.push_back(std::make_unique<Stream>(model, decoder_options(options), "full", depth));
  for (const PolicyRow& row : policy_table()) {
    const std::string name(row.spec.name);
    const PolicyShape shape = PolicyChoice(name).shape();
    const bool runs = !shape.keeps_and_reads_all() && !shape.inputs.has(Input::Future);
    if (!runs || !std::regex_search(name, wanted)) continue;
    streams.push_back(std::make_unique<Stream>(model, decoder_options(options), name, kDepth));
  }
  for (size_t token = 0; token < kCycle * kCycles; ++token)
    for (const auto& stream : streams) stream->decode(token / kCycle);
  for (const auto& stream : streams) {
    JsonObject row;
    row.set("policy", stream->policy()).set("rows", stream->rows());
    row.set("milliseconds", stream->milliseconds());
    row.set("processor_milliseconds", stream->processor_milliseconds());
    row.set("over_full", stream->milliseconds() / at_rows(*streams[0], *streams[1], stream->rows(),
                                                          &Stream::milliseconds));
    row.set("processor_over_full",
            stream->processor_milliseconds() /
                at_rows(*streams[0], *streams[1], stream->rows(), &Stream::processor_milliseconds));
    result.append("policy_costs", std::move(row));
  }
}

}  // namespace dendrokv::bench
