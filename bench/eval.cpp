// What several policies cost together beside one alone, in the same rounds: losses of a text,
// closed loop, 256 rows per lane. One policy is run token by token, as a cache policy is defined,
// and in blocks, as `dendrokv eval` does; a block shares each weight's load among its tokens
// already, several policies share it among their streams.

#include <ctime>
#include <vector>

#include "bench/benchmarks.h"
#include "bench/json.h"
#include "bench/setup.h"
#include "model/stream_scorer.h"

namespace dendrokv::bench {
namespace {

constexpr size_t kRounds = 5, kTokens = 512;
constexpr const char* kPolicies[] = {"treekv:capacity=128,sinks=4,recent=124",
                                     "treekv:capacity=128,sinks=4,recent=124,scope=8",
                                     "treekv:capacity=128,sinks=4,recent=124,score=keep-left",
                                     "h2o:capacity=128,sinks=4,recent=124,positions=rank",
                                     "tova:capacity=256,positions=rank",
                                     "streaming:sinks=4,recent=252",
                                     "sliding:capacity=256,positions=rank",
                                     "random:budget=256,sinks=4,recent=124,positions=rank"};

struct Case {
  const char* name;
  size_t policies;
  uint32_t block;
  std::vector<double> wall = {}, processor = {};  // s, [round]
};

double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void run_round(const Model& model, const DecoderOptions& options, Case& one) {
  std::vector<PolicyChoice> policies;
  for (size_t i = 0; i < one.policies; ++i) policies.emplace_back(kPolicies[i]);
  DecoderOptions chosen = options;
  chosen.block_tokens = one.block;
  chosen.evictions = EvictionLog::Discard;
  StreamScorer scorer(model, policies, std::nullopt, chosen);
  const std::vector<int32_t> ids = some_tokens(model, kTokens);
  Grid<float> nll(policies.size(), kTokens);
  Grid<int32_t> top1(policies.size(), kTokens);
  const double before = processor_seconds();
  one.wall.push_back(seconds_of([&] { scorer.feed(ids, {nll.view(), top1.view(), {}}); }));
  one.processor.push_back(processor_seconds() - before);
}

double ratio(const std::vector<double>& many, const std::vector<double>& one) {
  std::vector<double> ratios;
  for (size_t round = 0; round < many.size(); ++round) ratios.push_back(many[round] / one[round]);
  return median(ratios);
}

}  // namespace

void run_eval(const Options& options, std::ostream& out) {
  const Model model = load_model(options);
  const DecoderOptions decoder = decoder_options(options);
  Case cases[] = {{"one policy, token by token", 1, 1},
                  {"one policy, blocks of 64", 1, 64},
                  {"eight policies, token by token", 8, 1},
                  {"eight policies, blocks of 64", 8, 64}};
  for (size_t round = 0; round < kRounds; ++round)
    for (Case& one : cases) run_round(model, decoder, one);
  JsonObject result;
  result.set("isa", isa_name(decoder.isa)).set("tokens", kTokens);
  for (const Case& one : cases) {
    JsonObject row;
    row.set("case", std::string_view(one.name)).set("seconds", median(one.wall));
    row.set("over_one_token_by_token", ratio(one.wall, cases[0].wall));
    row.set("over_one_in_blocks", ratio(one.wall, cases[1].wall));
    row.set("processor_over_one_token_by_token", ratio(one.processor, cases[0].processor));
    row.set("processor_over_one_in_blocks", ratio(one.processor, cases[1].processor));
    result.append("cases", std::move(row));
  }
  options.json ? result.write_json(out) : result.write_lines(out);
}

}  // namespace dendrokv::bench
