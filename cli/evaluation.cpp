#include "cli/evaluation.h"

#include <algorithm>
#include <chrono>

#include "cache/audit.h"
#include "cli/audit_text.h"
#include "cli/format.h"
#include "cli/outputs.h"
#include "cli/stop.h"
#include "data/error.h"
#include "model/stream_scorer.h"

namespace dendrokv {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostBlock = 4096;
// Of a block over all caches: more columns share no more of a weight's load, and their activations
// leave the processor's caches.
constexpr size_t kColumns = 512;
constexpr uint32_t kFewestTokens = 16, kMostTokens = 64;

template <class T>
GridView<T> columns(Grid<T>& grid, size_t first, size_t count) {
  return {grid.data() + first, grid.rows(), count, grid.cols()};
}

CacheTotals totals(const CacheUse& use) {
  return {use.lanes, use.most_rows, use.most_bytes, use.rows_read, use.bytes_read};
}

/// Is `done` a finished text of which nothing has to be run again?
bool is_same_text(const EvalText& done, const EvalText& wanted) {
  return done.reached == done.ids.size() && done.ids == wanted.ids;
}

bool is_same_evaluation(const EvalFile& one, const EvalFile& other) {
  return one.protocol == other.protocol && one.model.sha256 == other.model.sha256 &&
         one.arithmetic == other.arithmetic && one.policies == other.policies &&
         one.lane_budgets == other.lane_budgets && one.reference == other.reference &&
         one.texts.size() == other.texts.size();
}

/// Where a text has no room in the model's context.
std::string remedy_of(const PolicyShape& shape) {
  if (shape.budget == 0) return "leave this policy out";
  return shape.positions == PositionMode::Rank ? "give the policy fewer rows"
                                               : "add positions=rank to the policy";
}

}  // namespace

void EvalOptions::declare(Options& options) {
  model.declare(options);
  options.texts("--text", "FILE", texts, "the texts to read");
  options.texts("--ids", "FILE", ids,
                "beside texts or instead of them: JSON arrays of token ids, fed as they are");
  options.texts("--policy", "SPEC", specs, kPolicyHelp, Need::Required);
  options.flag("--against-full", against_full,
               "run the full cache beside them, and say how far each policy is from it");
  options.file("-o,--output", output, "the file to write");
  options.file("--csv", csv,
               "the table as comma-separated values: a file NAME.csv, or a folder for that and the "
               "numbers behind it");
  options.count("--block", block, {1, kMostBlock},
                "tokens that go through a layer together; the results are the same (default: 16 to "
                "64, the fewer the more policies)");
  options.count("--seed", seed, {0}, "of the resampling behind intervals");
  options.flag("--audit", audit, kAuditHelp);
}

std::vector<EvalSource> EvalOptions::sources() const {
  std::vector<EvalSource> sources;
  for (const std::string& text : texts) sources.push_back({text, TextForm::Text});
  for (const std::string& file : ids) sources.push_back({file, TextForm::Ids});
  if (sources.empty())
    fail_usage("--text", "missing", "wanted a text to read, or --ids with token ids", "see --help");
  return sources;
}

EvalPolicies EvalOptions::policies() const {
  EvalPolicies policies;
  for (const std::string& spec : specs) {
    PolicyChoice choice = parse_policy(spec);
    for (const PolicyChoice& other : policies.choices)
      if (other.text() == choice.text())
        fail_usage("--policy " + spec, "the same as one before it", "wanted each policy once");
    if (choice.shape().keeps_and_reads_all())
      policies.reference = static_cast<uint32_t>(policies.choices.size());
    policies.choices.push_back(std::move(choice));
    policies.names.push_back(spec);
  }
  if (against_full && !policies.reference) {
    policies.reference = static_cast<uint32_t>(policies.choices.size());
    policies.choices.emplace_back("full");
    policies.names.emplace_back("full");
  }
  return policies;
}

void EvalOptions::check_outputs(const fs::path& model_path) const {
  std::vector<fs::path> inputs{model_path};
  for (const EvalSource& source : sources()) inputs.push_back(source.path);
  if (!output.empty()) check_output(output, inputs);
  if (!output.empty()) unfinished_part(output, "dendrokv-eval");
  if (csv.empty()) return;
  if (csv.extension() == ".csv")
    check_output(csv, inputs);
  else
    check_output_folder(csv);
}

EvalFile eval_file(const Session& session, const Model& model, const EvalPolicies& policies,
                   const EvalOptions& options, std::string protocol) {
  EvalFile file;
  file.uuid = session.uuid;
  file.created = session.created;
  file.command_line = session.command_line;
  file.model = model.facts();
  file.arithmetic = model.arithmetic() == Arithmetic::Exact ? "exact" : "fast";
  file.protocol = std::move(protocol);
  file.seed = options.seed;
  for (const PolicyChoice& choice : policies.choices) file.policies.push_back(choice.text());
  const auto has_map = [](const PolicyChoice& choice) { return choice.lane_budget().has_value(); };
  if (std::ranges::any_of(policies.choices, has_map))
    for (const PolicyChoice& choice : policies.choices)
      file.lane_budgets.push_back(choice.lane_budget());
  file.reference = policies.reference;
  return file;
}

void check_contexts(const std::string& subject, uint64_t tokens, const Model& model,
                    const EvalPolicies& policies) {
  const std::string context = std::to_string(model.config().context_length);
  for (size_t policy = 0; policy < policies.choices.size(); ++policy)
    check_context(subject + " under " + policies.names[policy], tokens, model,
                  policies.choices[policy],
                  remedy_of(policies.choices[policy].shape()) +
                      ", or take the first tokens with --tokens " + context);
}

Evaluation::Evaluation(const Session& session, const Model& model, const EvalPolicies& policies,
                       const EvalOptions& options, EvalFile& file)
    : session_(session), model_(model), policies_(policies), options_(options), file_(file) {}

bool Evaluation::run(EvictionLog log, const Done& done) {
  if (!options_.output.empty()) take_over();
  if (options_.audit) log = EvictionLog::Keep;
  uint64_t total = 0, before = 0;
  for (const EvalText& text : file_.texts) total += text.ids.size() - text.reached;
  const StopOnSignals signals;
  ProgressLine progress("eval", "tokens", session_.verbosity);
  for (EvalText& text : file_.texts) {
    if (text.reached == text.ids.size()) continue;
    const auto update = [&](uint64_t fed, uint64_t) {
      return progress.update(before + fed, total);
    };
    const bool whole = score(text, log, done, update);
    before += text.reached;
    if (!whole) progress.clear();
    if (!options_.output.empty() && (!whole || file_.texts.size() > 1)) {
      file_.complete = false;
      write_eval(options_.output, file_);
    }
    if (!whole) {
      stopped();
      return false;
    }
  }
  return true;
}

void Evaluation::finish() {
  file_.complete = true;
  if (options_.output.empty()) return;
  write_eval(options_.output, file_);
  if (options_.audit) audits_.push_back(audit_file(options_.output, {.threads = session_.threads}));
}

// Texts that the same command finished before it was stopped.
void Evaluation::take_over() {
  fs::path part = options_.output;
  part += ".part";
  std::error_code ignored;
  if (!fs::is_regular_file(part, ignored)) return;
  if (options_.audit)
    return session_.note("eval: nothing is taken over from " + part.string() +
                         ": --audit looks at caches while they run");
  EvalFile before;
  try {
    before = read_eval(part, Incomplete::TakeWhatIsThere);
  } catch (const Error& error) {
    session_.note("eval: nothing is taken over from " + part.string() + ": " + error.found());
    return;
  }
  if (!is_same_evaluation(before, file_)) return;
  size_t taken = 0;
  for (size_t text = 0; text < file_.texts.size(); ++text) {
    if (!is_same_text(before.texts[text], file_.texts[text])) continue;
    before.texts[text].name = file_.texts[text].name;
    file_.texts[text] = std::move(before.texts[text]);
    ++taken;
  }
  if (taken > 0)
    session_.note("eval: " + std::to_string(taken) + " of " + std::to_string(file_.texts.size()) +
                  " texts are taken over from " + part.string());
}

bool Evaluation::score(EvalText& text, EvictionLog log, const Done& done,
                       const Progress& progress) {
  const auto start = std::chrono::steady_clock::now();
  const DecoderOptions decoding{.threads = session_.threads,
                                .isa = session_.isa,
                                .block_tokens = block_tokens(),
                                .evictions = log};
  StreamScorer scorer(
      model_, policies_.choices,
      policies_.reference ? std::optional<size_t>(*policies_.reference) : std::nullopt, decoding);
  std::vector<std::unique_ptr<LiveAudit>> watches;
  std::vector<Observer*> observers;
  for (size_t policy = 0; policy < policies_.choices.size() && options_.audit; ++policy) {
    watches.push_back(std::make_unique<LiveAudit>(model_, policies_.choices[policy], nullptr));
    observers.push_back(watches.back().get());
  }
  // Whatever has no room is said before the first text is run.
  for (const EvalText& other : file_.texts) scorer.streams().check_room(other.ids.size());
  const size_t tokens = text.ids.size();
  Continue go_on = Continue::Yes;
  while (text.reached < tokens && go_on == Continue::Yes) {
    const size_t count = std::min<size_t>(scorer.streams().block_tokens(), tokens - text.reached);
    scorer.feed(std::span(text.ids).subspan(text.reached, count),
                {columns(text.nll, text.reached, count), columns(text.top1, text.reached, count),
                 columns(text.kl, text.reached, policies_.reference ? count : 0)},
                observers);
    text.reached += static_cast<uint32_t>(count);
    go_on = progress(text.reached, tokens);
  }
  for (size_t policy = 0; policy < text.cache.size(); ++policy)
    text.cache[policy] = totals(scorer.streams().use(policy));
  text.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (text.reached < tokens) return false;
  if (done) done(text, scorer.streams());
  if (options_.audit) look_at(text, scorer.streams(), watches, decoding);
  return true;
}

void Evaluation::look_at(const EvalText& text, const Streams& streams,
                         std::span<const std::unique_ptr<LiveAudit>> watches,
                         const DecoderOptions& decoding) {
  audits_.resize(watches.size());
  for (size_t policy = 0; policy < watches.size(); ++policy) {
    const Audit audit = watches[policy]->audit(streams, policy, text.ids, decoding);
    audits_[policy].subject = audit.subject;
    add_text(audits_[policy], audit, text.name);
  }
}

void Evaluation::stopped() const {
  uint64_t reached = 0, total = 0;
  for (const EvalText& text : file_.texts) {
    reached += text.reached;
    total += text.ids.size();
  }
  const std::string part = options_.output.string() + ".part";
  const std::string kept =
      options_.output.empty()
          ? "; nothing was written: with -o FILE finished texts are kept"
          : "; " + part + " holds them (dendrokv info " + part +
                "); the same command goes on behind the last text that is whole";
  say(session_.verbosity, Verbosity::Quiet,
      "dendrokv: eval: stopped after " + std::to_string(reached) + " of " + std::to_string(total) +
          " tokens" + kept);
}

uint32_t Evaluation::block_tokens() const {
  if (options_.block) return static_cast<uint32_t>(*options_.block);
  const auto fair = static_cast<uint32_t>(kColumns / policies_.choices.size());
  return std::clamp(fair, kFewestTokens, kMostTokens);
}

}  // namespace dendrokv
