// What recording costs: all layers, heads and steps in f16, to disk, synced, against the same work
// without a trace, in turns.
//
// Prefill: a text in blocks. Beside it the raw rate of the disk, measured in the same rounds: the
// same number of bytes from one buffer, past the page cache, synced. Decode: tokens one by one
// behind a context that is not recorded.

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <malloc.h>
#include <memory>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/benchmarks.h"
#include "bench/json.h"
#include "bench/setup.h"
#include "data/error.h"
#include "data/page_pool.h"
#include "model/chunk_choice.h"
#include "model/recorder.h"

namespace dendrokv::bench {
namespace {

constexpr size_t kRounds = 9, kTokens = 1024, kDepth = 1024, kDecodeTokens = 64;

struct Cost {
  double seconds = 0, processor_seconds = 0;
};

double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// As in a process of its own: memory of the run before would be warm for the one that fits into it.
template <class Work>
Cost cost_of(Work work) {
  malloc_trim(0);
  const double before = processor_seconds();
  const double seconds = seconds_of(work);
  return {seconds, processor_seconds() - before};
}

class Bench {
 public:
  Bench(const Options& options, size_t tokens, size_t depth)
      : model_(load_model(options)),
        decoder_(decoder_options(options)),
        path_(std::filesystem::temp_directory_path() /
              ("dendrokv-bench-trace-" + std::to_string(getpid()) + ".h5")),
        ids_(some_tokens(model_, std::max(tokens, depth + kDecodeTokens))),
        prefill_(plan_of(0, tokens)),
        decode_(plan_of(depth, depth + kDecodeTokens)) {
    check_disk_space(path_, 2 * std::max(estimated_bytes(prefill_), estimated_bytes(decode_)));
  }
  ~Bench() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }

  Cost plain_prefill() {
    return cost_of([&] {
      Decoder decoder(model_, PolicyChoice("full"), decoder_);
      std::vector<float> nll(prefill_.info.tokens);
      decoder.feed_and_score(prefill_.tokens.id, nll, nullptr);
    });
  }

  Cost traced_prefill() {
    std::filesystem::remove(path_);  // a file in the way would cost its removal
    return cost_of([&] {
      TraceWriter writer(path_, prefill_);
      Recorder recorder(writer, prefill_);
      Decoder decoder(model_, PolicyChoice("full"), decoder_);
      std::vector<float> nll(prefill_.info.tokens);
      decoder.feed_and_score(prefill_.tokens.id, nll, &recorder);
      recorder.flush();
      writer.write_loss(nll);
      writer.finish();
    });
  }

  double plain_decode() { return decode_seconds(nullptr); }

  double traced_decode() {
    TraceWriter writer(path_, decode_);
    Recorder recorder(writer, decode_);
    return decode_seconds(&recorder) + seconds_of([&] {
             recorder.flush();
             writer.finish();
           });
  }

  /// Of writing as many bytes as the last trace has.
  double raw_write() {
    constexpr size_t kBlock = size_t{2} << 20;
    const size_t bytes = std::filesystem::file_size(path_);
    const PagePool pool;
    PageBuffer block = pool.take(kBlock);
    std::ranges::fill(block.bytes(), std::byte{0x35});
    int file = open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_DIRECT, 0600);
    if (file < 0) file = open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const double seconds = seconds_of([&] {
      for (size_t at = 0; at < bytes; at += kBlock)
        if (pwrite(file, block.bytes().data(), kBlock, static_cast<off_t>(at)) != ssize_t{kBlock})
          fail(path_.string(), "cannot be written", "wanted a disk with room");
      fsync(file);
    });
    close(file);
    return seconds;
  }

  size_t file_bytes() const { return std::filesystem::file_size(path_); }
  std::string_view isa() const { return isa_name(decoder_.isa); }

 private:
  TracePlan plan_of(size_t first, size_t tokens) const {
    TracePlan plan;
    plan.tokens = model_.tokenizer().text_of(
        {ids_.begin(), ids_.begin() + static_cast<std::ptrdiff_t>(tokens)});
    plan.info.model = model_.facts();
    plan.info.policy = "full";
    plan.info.tokens = static_cast<uint32_t>(tokens);
    for (uint32_t layer = 0; layer < model_.config().layers; ++layer)
      plan.info.layers.emplace_back(layer);
    for (uint32_t head = 0; head < model_.config().heads; ++head)
      plan.info.heads.emplace_back(head);
    for (size_t step = first; step < tokens; ++step)
      plan.info.steps.emplace_back(static_cast<uint32_t>(step));
    choose_chunks(plan);
    return plan;
  }

  double decode_seconds(Observer* observer) {
    const size_t depth = decode_.info.steps.front().index();
    Decoder decoder(model_, PolicyChoice("full"), decoder_);
    decoder.feed(std::span(ids_).first(depth), LogitsOf::None, observer);
    return seconds_of([&] {
      for (size_t i = 0; i < kDecodeTokens; ++i)
        decoder.feed(std::span(ids_).subspan(depth + i, 1), LogitsOf::Last, observer);
    });
  }

  const Model model_;
  const DecoderOptions decoder_;
  const std::filesystem::path path_;
  const std::vector<int32_t> ids_;
  const TracePlan prefill_, decode_;
};

void measure_prefill(Bench& bench, size_t tokens, JsonObject& result) {
  std::vector<double> plain, traced, ratio, processor, raw, of_disk;
  for (size_t round = 0; round < kRounds; ++round) {
    const Cost without = bench.plain_prefill(), with = bench.traced_prefill();
    plain.push_back(without.seconds);
    traced.push_back(with.seconds);
    ratio.push_back(with.seconds / without.seconds);
    processor.push_back(with.processor_seconds / without.processor_seconds);
    if (round == 0) result.set("tokens", tokens).set("bytes", bench.file_bytes());
    raw.push_back(bench.raw_write());
    of_disk.push_back(with.seconds / std::max(without.seconds, raw.back()));
  }
  result.set("plain_seconds", median(plain))
      .set("traced_seconds", median(traced))
      .set("ratio", median(ratio));
  result.set("processor_ratio", median(processor));
  result.set("raw_write_seconds", median(raw)).set("ratio_to_the_slower_of_both", median(of_disk));
}

void measure_decode(Bench& bench, size_t depth, JsonObject& result) {
  std::vector<double> plain, traced, ratio;
  for (size_t round = 0; round < kRounds; ++round) {
    plain.push_back(bench.plain_decode());
    traced.push_back(bench.traced_decode());
    ratio.push_back(traced.back() / plain.back());
  }
  result.set("decode_depth", depth).set("decode_tokens", kDecodeTokens);
  result.set("decode_plain_tokens_per_second", static_cast<double>(kDecodeTokens) / median(plain));
  result.set("decode_traced_tokens_per_second",
             static_cast<double>(kDecodeTokens) / median(traced));
  result.set("decode_ratio", median(ratio));
}

}  // namespace

void run_trace(const Options& options, std::ostream& out) {
  const size_t tokens = options.prefill.empty() ? kTokens : options.prefill[0];
  const size_t depth = options.depths.empty() ? kDepth : options.depths[0];
  Bench bench(options, tokens, depth);
  JsonObject result;
  result.set("isa", bench.isa());
  measure_prefill(bench, tokens, result);
  if (depth > 0) measure_decode(bench, depth, result);
  options.json ? result.write_json(out) : result.write_lines(out);
}

}  // namespace dendrokv::bench
