// Bounded caches: what a token costs under a policy, near the start of a stream and far along it,
// and what memory the stream takes.
//
// All streams decode in turns, token by token, so that a busy machine slows all of them; medians
// over the tokens of a stream. The time on the processors is given beside the time on the clock:
// with --threads 1 it leaves out what other programs took.

#include <ctime>
#include <fstream>
#include <memory>
#include <unistd.h>
#include <utility>

#include "bench/benchmarks.h"
#include "bench/json.h"
#include "bench/setup.h"
#include "data/error.h"

namespace dendrokv::bench {
namespace {

constexpr size_t kDecodeTokens = 96, kPrefillRounds = 3;
constexpr const char* kTree = "treekv:capacity=512,sinks=4,recent=508";
constexpr const char* kWindow = "streaming:sinks=4,recent=1020";

double processor_seconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  size_t pages = 0, resident = 0;
  if (!(file >> pages >> resident))
    fail("/proc/self/statm", "cannot be read", "wanted a number of pages");
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

// A text without end.
class Tokens {
 public:
  explicit Tokens(const Model& model) : ids_(some_tokens(model, 4096)) {}
  std::span<const int32_t> next(size_t count) {
    if (at_ + count > ids_.size()) at_ = 0;
    at_ += count;
    return std::span(ids_).subspan(at_ - count, count);
  }

 private:
  std::vector<int32_t> ids_;
  size_t at_ = 0;
};

class Stream {
 public:
  Stream(const Model& model, DecoderOptions options, const char* policy, size_t depth)
      : policy_(policy),
        depth_(depth),
        tokens_(model),
        decoder_(model, PolicyChoice(policy), discarding(options)) {
    for (size_t fed = 0; fed < depth; fed += 64)
      decoder_.feed(tokens_.next(std::min<size_t>(64, depth - fed)), LogitsOf::None, nullptr);
  }

  void decode() {
    const double processor = processor_seconds();
    seconds_.push_back(
        seconds_of([&] { decoder_.feed(tokens_.next(1), LogitsOf::Last, nullptr); }));
    processor_.push_back(processor_seconds() - processor);
  }

  JsonObject row(const Stream& base) const {
    JsonObject row;
    row.set("policy", policy_).set("depth", depth_).set("milliseconds", 1e3 * median(seconds_));
    row.set("processor_milliseconds", 1e3 * median(processor_));
    row.set("ratio", median(seconds_) / median(base.seconds_));
    row.set("processor_ratio", median(processor_) / median(base.processor_));
    return row;
  }

 private:
  static DecoderOptions discarding(DecoderOptions options) {
    options.evictions = EvictionLog::Discard;
    return options;
  }

  const char* policy_;
  size_t depth_;
  Tokens tokens_;
  Decoder decoder_;
  std::vector<double> seconds_, processor_;
};

// The first of the streams is the base of the ratios.
void decode_in_turns(std::vector<std::unique_ptr<Stream>>& streams, std::string_view name,
                     JsonObject& result) {
  for (size_t token = 0; token < kDecodeTokens; ++token)
    for (const auto& stream : streams) stream->decode();
  for (const auto& stream : streams) result.append(name, stream->row(*streams[0]));
}

void depths(const Model& model, const Options& options, JsonObject& result) {
  const std::vector<size_t> depths =
      options.depths.empty() ? std::vector<size_t>{2'000, 100'000} : options.depths;
  std::vector<std::unique_ptr<Stream>> streams;
  for (const size_t depth : depths)
    streams.push_back(std::make_unique<Stream>(model, decoder_options(options), kTree, depth));
  decode_in_turns(streams, "depth", result);
}

void policies(const Model& model, const Options& options, JsonObject& result) {
  std::vector<std::unique_ptr<Stream>> streams;
  for (const auto& [policy, depth] :
       {std::pair{kWindow, size_t{2'000}}, {kTree, size_t{2'000}}, {"full", size_t{1'024}}})
    streams.push_back(std::make_unique<Stream>(model, decoder_options(options), policy, depth));
  decode_in_turns(streams, "policy", result);
}

void memory(const Model& model, const Options& options, JsonObject& result) {
  Tokens tokens(model);
  DecoderOptions discarding = decoder_options(options);
  discarding.evictions = EvictionLog::Discard;
  Decoder decoder(model, PolicyChoice(kTree), discarding);
  for (const size_t depth :
       options.depths.empty() ? std::vector<size_t>{2'000, 100'000} : options.depths) {
    while (decoder.next_step().index() < depth)
      decoder.feed(tokens.next(std::min<size_t>(64, depth - decoder.next_step().index())),
                   LogitsOf::None, nullptr);
    JsonObject row;
    row.set("depth", depth)
        .set("resident_bytes", resident_bytes())
        .set("kv_bytes", size_t{decoder.kv_bytes()});
    result.append("memory", std::move(row));
  }
}

void prefill(const Model& model, const Options& options, JsonObject& result) {
  const size_t count = options.prefill.empty() ? 2'048 : options.prefill[0];
  const char* names[] = {kTree, kWindow, "full"};
  std::vector<double> seconds[3], processor[3];
  for (size_t round = 0; round < kPrefillRounds; ++round)
    for (size_t i = 0; i < 3; ++i) {
      const double start = processor_seconds();
      seconds[i].push_back(
          seconds_of([&] { Stream(model, decoder_options(options), names[i], count); }));
      processor[i].push_back(processor_seconds() - start);
    }
  for (size_t i = 0; i < 3; ++i) {
    JsonObject row;
    row.set("policy", names[i])
        .set("tokens", count)
        .set("tokens_per_second", static_cast<double>(count) / median(seconds[i]));
    row.set("processor_seconds", median(processor[i]));
    result.append("prefill", std::move(row));
  }
}

}  // namespace

void run_lanes(const Options& options, std::ostream& out) {
  const Model model = load_model(options);
  JsonObject result;
  result.set("isa", isa_name(decoder_options(options).isa));
  const std::pair<std::string_view, void (*)(const Model&, const Options&, JsonObject&)> parts[] = {
      {"memory", memory}, {"policy", policies}, {"prefill", prefill}, {"depth", depths}};
  for (const auto& [name, part] : parts)
    if (options.filter.empty() || options.filter == name) part(model, options, result);
  options.json ? result.write_json(out) : result.write_lines(out);
}

}  // namespace dendrokv::bench
