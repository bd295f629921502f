#include "data/eval_file.h"

#include <algorithm>
#include <limits>

#include "data/error.h"
#include "data/file_root.h"
#include "data/hdf5.h"

namespace dendrokv {
namespace {

constexpr std::string_view kFormat = "dendrokv-eval";
constexpr uint64_t kMostTexts = 65536, kAny = UINT64_MAX;
constexpr float kNothing = std::numeric_limits<float>::quiet_NaN();

// "" of the only text, "/text/3" of one of several.
std::string group_of(size_t text, size_t texts) {
  return texts == 1 ? std::string() : "/text/" + std::to_string(text);
}

template <class T>
constexpr h5::Type kTypeOf = h5::Type::F32;
template <>
constexpr h5::Type kTypeOf<int32_t> = h5::Type::I32;
template <>
constexpr h5::Type kTypeOf<uint64_t> = h5::Type::U64;

template <class T>
void write_values(h5::File& file, const std::string& path, const h5::Shape& shape, const T* data) {
  h5::Dataset dataset = file.create_dataset(path, kTypeOf<T>, shape, {}, h5::Fill::Absent);
  if (dataset.elements() > 0) dataset.write(data);
}
template <class T>
void write_grid(h5::File& file, const std::string& path, const Grid<T>& grid) {
  write_values(file, path, {grid.rows(), grid.cols()}, grid.data());
}
template <class T>
void write_list(h5::File& file, const std::string& path, const std::vector<T>& list) {
  write_values(file, path, {list.size()}, list.data());
}
template <class T, class Item, class Take>
void write_column(h5::File& file, const std::string& path, const std::vector<Item>& items,
                  const Take& take) {
  std::vector<T> column;
  for (const Item& item : items) column.push_back(static_cast<T>(take(item)));
  write_list(file, path, column);
}

template <class T>
std::vector<T> read_list(const h5::File& file, const std::string& path, uint64_t size = kAny) {
  return file.open_dataset(path, kTypeOf<T>, {size}).template read_all<T>();
}
template <class T>
Grid<T> read_grid(const h5::File& file, const std::string& path, uint64_t rows, uint64_t cols) {
  const std::vector<T> values =
      file.open_dataset(path, kTypeOf<T>, {rows, cols}).template read_all<T>();
  Grid<T> grid(rows, cols);
  std::ranges::copy(values, grid.all().begin());
  return grid;
}

std::string optional_text(const h5::File& file, const std::string& object, const char* name) {
  return file.has_attribute(object, name) ? file.text_attribute(object, name) : std::string();
}

// The columns of CacheTotals, by name.
struct TotalsColumn {
  const char* name;
  uint64_t CacheTotals::*value;
};
constexpr TotalsColumn kTotals[] = {{"lanes", &CacheTotals::lanes},
                                    {"most_rows", &CacheTotals::most_rows},
                                    {"most_bytes", &CacheTotals::most_bytes},
                                    {"rows_read", &CacheTotals::rows_read},
                                    {"bytes_read", &CacheTotals::bytes_read}};

// ---- spans

void write_spans(h5::File& file, const std::string& group, const SpanTable& table) {
  file.create_group(group);
  std::vector<std::string> names;
  for (const TextSpan& span : table.spans) names.push_back(span.name);
  file.write_texts(group + "/name", names);
  write_column<int32_t>(file, group + "/first", table.spans, [](const auto& s) { return s.first; });
  write_column<int32_t>(file, group + "/end", table.spans, [](const auto& s) { return s.end; });
  write_column<int32_t>(file, group + "/step", table.steps, [](Step step) { return step.value; });
  for (size_t policy = 0; policy < table.policies.size(); ++policy) {
    const SpanSurvival& found = table.policies[policy];
    const std::string of_policy = group + "/" + std::to_string(policy);
    file.create_group(of_policy);
    file.write_attribute(of_policy, "lane", lane_kind_name(found.lane_kind));
    write_grid(file, of_policy + "/kept", found.kept);
    write_values(file, of_policy + "/quantile",
                 {table.spans.size(), kSpanQuantiles.size(), table.steps.size()},
                 found.quantiles.data());
    write_values(file, of_policy + "/held_until", {table.spans.size(), found.layers, found.lanes},
                 found.held_until.data());
  }
}

LaneKind parse_lane_kind(const std::string& subject, const std::string& name) {
  for (const LaneKind kind : {LaneKind::PerKvHead, LaneKind::PerQueryHead, LaneKind::PerLayer})
    if (lane_kind_name(kind) == name) return kind;
  fail(subject, "'" + name + "'", "wanted kv-head, query-head or layer");
}

SpanSurvival read_survival(const h5::File& file, const std::string& group, uint64_t spans,
                           uint64_t steps) {
  SpanSurvival found;
  found.lane_kind =
      parse_lane_kind(file.name() + ": " + group + "@lane", file.text_attribute(group, "lane"));
  found.kept = read_grid<float>(file, group + "/kept", spans, steps);
  const std::vector<float> quantiles =
      file.open_dataset(group + "/quantile", h5::Type::F32, {spans, kSpanQuantiles.size(), steps})
          .read_all<float>();
  found.quantiles = Grid<float>(spans * kSpanQuantiles.size(), steps);
  std::ranges::copy(quantiles, found.quantiles.all().begin());
  const h5::Dataset held =
      file.open_dataset(group + "/held_until", h5::Type::I32, {spans, kAny, kAny});
  found.layers = static_cast<uint32_t>(held.shape()[1]);
  found.lanes = static_cast<uint32_t>(held.shape()[2]);
  found.held_until = held.read_all<int32_t>();
  return found;
}

uint32_t place_in(const std::string& subject, int32_t number, size_t tokens) {
  if (number < 0 || static_cast<size_t>(number) > tokens)
    fail(subject, "token " + std::to_string(number), "wanted one of the text");
  return static_cast<uint32_t>(number);
}

SpanTable read_spans(const h5::File& file, const std::string& group, size_t policies,
                     size_t tokens) {
  const std::string subject = file.name() + ": " + group;
  SpanTable table;
  const std::vector<std::string> names = file.read_texts(group + "/name");
  const auto first = read_list<int32_t>(file, group + "/first", names.size());
  const auto end = read_list<int32_t>(file, group + "/end", names.size());
  for (size_t span = 0; span < names.size(); ++span)
    table.spans.push_back({names[span], place_in(subject, first[span], tokens),
                           place_in(subject, end[span], tokens)});
  for (const int32_t step : read_list<int32_t>(file, group + "/step"))
    table.steps.emplace_back(place_in(subject, step, tokens));
  for (size_t policy = 0; policy < policies; ++policy)
    table.policies.push_back(read_survival(file, group + "/" + std::to_string(policy),
                                           table.spans.size(), table.steps.size()));
  return table;
}

// ---- needles

void write_needles(h5::File& file, const std::string& group, const NeedleTable& table) {
  file.create_group(group);
  const auto& needles = table.needles;
  std::vector<std::string> subjects, answers;
  for (const Needle& needle : needles) {
    subjects.push_back(needle.subject);
    answers.push_back(needle.answer);
  }
  file.write_texts(group + "/subject", subjects);
  file.write_texts(group + "/answer", answers);
  write_column<int32_t>(file, group + "/depth", needles, [](const auto& n) { return n.depth; });
  write_column<int32_t>(file, group + "/question_first", needles,
                        [](const auto& n) { return n.question_first; });
  write_column<int32_t>(file, group + "/answer_first", needles,
                        [](const auto& n) { return n.answer_first; });
  write_column<int32_t>(file, group + "/answer_end", needles,
                        [](const auto& n) { return n.answer_end; });
  write_grid(file, group + "/loss", table.loss);
  write_grid(file, group + "/found", table.found);
  write_grid(file, group + "/held", table.held);
}

NeedleTable read_needles(const h5::File& file, const std::string& group, size_t policies,
                         size_t tokens) {
  const std::string subject = file.name() + ": " + group;
  NeedleTable table;
  const std::vector<std::string> subjects = file.read_texts(group + "/subject");
  const std::vector<std::string> answers = file.read_texts(group + "/answer");
  const size_t count = subjects.size();
  if (answers.size() != count)
    fail(subject, std::to_string(answers.size()) + " answers",
         "wanted " + std::to_string(count) + ", one for each subject");
  const auto depth = read_list<int32_t>(file, group + "/depth", count);
  const auto question = read_list<int32_t>(file, group + "/question_first", count);
  const auto first = read_list<int32_t>(file, group + "/answer_first", count);
  const auto end = read_list<int32_t>(file, group + "/answer_end", count);
  for (size_t needle = 0; needle < count; ++needle)
    table.needles.push_back(
        {place_in(subject, depth[needle], tokens), place_in(subject, question[needle], tokens),
         place_in(subject, first[needle], tokens), place_in(subject, end[needle], tokens),
         subjects[needle], answers[needle]});
  table.loss = read_grid<float>(file, group + "/loss", policies, count);
  table.found = read_grid<int32_t>(file, group + "/found", policies, count);
  table.held = read_grid<float>(file, group + "/held", policies, count);
  return table;
}

// ---- texts

void write_text(h5::File& file, const std::string& group, const EvalText& text) {
  if (!group.empty()) file.create_group(group);
  const std::string object = group.empty() ? "/" : group;
  file.write_attribute(object, "name", text.name);
  file.write_attribute(object, "tokens_reached", uint64_t{text.reached});
  file.write_attribute(object, "seconds", text.seconds);
  write_grid(file, group + "/nll", text.nll);
  write_grid(file, group + "/top1", text.top1);
  if (text.kl.rows() > 0) write_grid(file, group + "/kl", text.kl);
  file.create_group(group + "/tokens");
  write_list(file, group + "/tokens/id", text.ids);
  file.create_group(group + "/cache");
  for (const TotalsColumn& column : kTotals)
    write_column<uint64_t>(file, group + "/cache/" + column.name, text.cache,
                           [&](const CacheTotals& totals) { return totals.*column.value; });
  if (text.spans) write_spans(file, group + "/span", *text.spans);
  if (text.needles) write_needles(file, group + "/needle", *text.needles);
}

EvalText read_text(const h5::File& file, const std::string& group, size_t policies,
                   std::optional<uint32_t> reference) {
  const std::string object = group.empty() ? "/" : group;
  EvalText text;
  text.name = file.text_attribute(object, "name");
  text.ids = read_list<int32_t>(file, group + "/tokens/id");
  const size_t tokens = text.ids.size();
  text.reached = static_cast<uint32_t>(
      std::min<uint64_t>(file.count_attribute(object, "tokens_reached"), tokens));
  text.seconds = file.real_attribute(object, "seconds");
  text.nll = read_grid<float>(file, group + "/nll", policies, tokens);
  text.top1 = read_grid<int32_t>(file, group + "/top1", policies, tokens);
  if (reference) text.kl = read_grid<float>(file, group + "/kl", policies, tokens);
  text.cache.resize(policies);
  for (const TotalsColumn& column : kTotals) {
    const auto values = read_list<uint64_t>(file, group + "/cache/" + column.name, policies);
    for (size_t policy = 0; policy < policies; ++policy)
      text.cache[policy].*column.value = values[policy];
  }
  if (file.has(group + "/span")) text.spans = read_spans(file, group + "/span", policies, tokens);
  if (file.has(group + "/needle"))
    text.needles = read_needles(file, group + "/needle", policies, tokens);
  return text;
}

void write_model(h5::File& file, const ModelFacts& model) {
  file.create_group("/model");
  file.write_attribute("/model", "name", model.name);
  file.write_attribute("/model", "architecture", model.architecture);
  file.write_attribute("/model", "sha256", model.sha256);
  for (const auto& [name, value] :
       {std::pair{"layers", model.layers}, std::pair{"heads", model.heads},
        std::pair{"kv_heads", model.kv_heads}, std::pair{"head_dim", model.head_dim},
        std::pair{"vocabulary", model.vocabulary},
        std::pair{"context_length", model.context_length}})
    file.write_attribute("/model", name, uint64_t{value});
  file.write_attribute("/model", "rope_base", model.rope_base);
}

ModelFacts read_model(const h5::File& file) {
  ModelFacts model;
  model.name = file.text_attribute("/model", "name");
  model.architecture = file.text_attribute("/model", "architecture");
  model.sha256 = file.text_attribute("/model", "sha256");
  const auto count = [&](const char* name) {
    return static_cast<uint32_t>(file.count_attribute("/model", name));
  };
  model.layers = count("layers");
  model.heads = count("heads");
  model.kv_heads = count("kv_heads");
  model.head_dim = count("head_dim");
  model.vocabulary = count("vocabulary");
  model.context_length = count("context_length");
  model.rope_base = file.real_attribute("/model", "rope_base");
  return model;
}

std::string lane_budget_of(size_t policy) {
  return "/lane_budget/" + std::to_string(policy);
}

void write_lane_budgets(h5::File& file, const EvalFile& contents) {
  const bool any = std::ranges::any_of(contents.lane_budgets,
                                       [](const auto& lanes) { return lanes.has_value(); });
  if (any) file.create_group("/lane_budget");
  for (size_t policy = 0; policy < contents.policies.size(); ++policy)
    if (const auto lanes = contents.lane_budget(policy))
      write_lane_budget(file, lane_budget_of(policy), *lanes);
}

void read_lane_budgets(const h5::File& file, EvalFile& contents) {
  if (!file.has("/lane_budget")) return;
  contents.lane_budgets.resize(contents.policies.size());
  for (size_t policy = 0; policy < contents.policies.size(); ++policy)
    if (file.has(lane_budget_of(policy)))
      contents.lane_budgets[policy] = read_lane_budget(file, lane_budget_of(policy));
}

void write_contents(h5::File& file, const EvalFile& contents) {
  file.write_attribute("/", "protocol", contents.protocol);
  file.write_attribute("/", "arithmetic", contents.arithmetic);
  file.write_attribute("/", "seed", contents.seed);
  file.write_attribute("/", "scored_from", uint64_t{contents.scored_from});
  file.write_attribute("/", "texts", uint64_t{contents.texts.size()});
  if (contents.reference) {
    file.write_attribute("/", "reference", uint64_t{*contents.reference});
    file.write_attribute("/", "reference_policy", contents.policies[*contents.reference]);
  }
  write_model(file, contents.model);
  file.write_texts("/policy", contents.policies);
  write_lane_budgets(file, contents);
  if (contents.texts.size() != 1) file.create_group("/text");
  for (size_t text = 0; text < contents.texts.size(); ++text)
    write_text(file, group_of(text, contents.texts.size()), contents.texts[text]);
  if (!contents.texts.empty())
    write_default_plot(file, group_of(0, contents.texts.size()) + "/nll");
}

}  // namespace

EvalText unscored_text(std::string name, std::vector<int32_t> ids, size_t policies,
                       std::optional<uint32_t> reference) {
  EvalText text;
  text.name = std::move(name);
  text.nll = Grid<float>(policies, ids.size(), kNothing);
  text.top1 = Grid<int32_t>(policies, ids.size(), -1);
  if (reference) text.kl = Grid<float>(policies, ids.size(), kNothing);
  text.cache.resize(policies);
  text.ids = std::move(ids);
  return text;
}

void write_eval(const std::filesystem::path& path, EvalFile& contents) {
  write_in_place(path, contents.complete ? Stage::Whole : Stage::Part, [&](h5::File& file) {
    FileRoot root{contents.uuid, contents.created, contents.creator, contents.command_line};
    write_root(file, kFormat, root);
    contents.uuid = root.uuid;
    contents.created = root.created;
    contents.creator = root.creator;
    write_contents(file, contents);
    if (contents.complete) mark_complete(file);
  });
}

EvalFile read_eval(const std::filesystem::path& path, Incomplete incomplete) {
  const h5::File file = h5::File::open(path);
  const FileRoot root = read_root(file, kFormat);
  EvalFile contents;
  contents.uuid = root.uuid;
  contents.created = root.created;
  contents.creator = root.creator;
  contents.command_line = root.command_line;
  contents.complete = is_complete(file);
  if (!contents.complete && incomplete == Incomplete::Refuse)
    fail(file.name(), "is not complete", "wanted a finished file", "run the same eval again");
  contents.protocol = file.text_attribute("/", "protocol");
  contents.arithmetic = optional_text(file, "/", "arithmetic");
  contents.seed = file.count_attribute("/", "seed");
  contents.scored_from = static_cast<uint32_t>(file.count_attribute("/", "scored_from"));
  contents.model = read_model(file);
  contents.policies = file.read_texts("/policy");
  read_lane_budgets(file, contents);
  if (file.has_attribute("/", "reference")) {
    const uint64_t reference = file.count_attribute("/", "reference");
    if (reference >= contents.policies.size())
      fail(file.name() + ": @reference", std::to_string(reference), "wanted one of the policies");
    contents.reference = static_cast<uint32_t>(reference);
  }
  const uint64_t texts = file.count_attribute("/", "texts");
  if (texts > kMostTexts)
    fail(file.name() + ": @texts", std::to_string(texts), "wanted at most 65536");
  for (size_t text = 0; text < texts; ++text)
    contents.texts.push_back(
        read_text(file, group_of(text, texts), contents.policies.size(), contents.reference));
  return contents;
}

}  // namespace dendrokv
