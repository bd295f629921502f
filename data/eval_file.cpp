#include "data/eval_file.h"

#include <algorithm>
#include <limits>

#include "data/error.h"
#include "data/eval_tables.h"
#include "data/file_root.h"
#include "data/hdf5.h"
#include "data/hdf5_tables.h"

namespace dendrokv {
namespace {

constexpr std::string_view kFormat = "dendrokv-eval";
constexpr uint64_t kMostTexts = 65536;
constexpr float kNothing = std::numeric_limits<float>::quiet_NaN();

// "" of the only text, "/text/3" of one of several.
std::string group_of(size_t text, size_t texts) {
  return texts == 1 ? std::string() : "/text/" + std::to_string(text);
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

void write_text(h5::File& file, const std::string& group, const EvalText& text) {
  if (!group.empty()) file.create_group(group);
  const std::string object = group.empty() ? "/" : group;
  file.write_attribute(object, "name", text.name);
  file.write_attribute(object, "tokens_reached", uint64_t{text.reached});
  file.write_attribute(object, "seconds", text.seconds);
  h5::write_grid(file, group + "/nll", text.nll);
  h5::write_grid(file, group + "/top1", text.top1);
  if (text.kl.rows() > 0) h5::write_grid(file, group + "/kl", text.kl);
  file.create_group(group + "/tokens");
  h5::write_list(file, group + "/tokens/id", text.ids);
  file.create_group(group + "/cache");
  for (const TotalsColumn& column : kTotals)
    h5::write_column<uint64_t>(file, group + "/cache/" + column.name, text.cache,
                               [&](const CacheTotals& totals) { return totals.*column.value; });
  if (text.spans) write_spans(file, group + "/span", *text.spans);
  if (text.needles) write_needles(file, group + "/needle", *text.needles);
}

EvalText read_text(const h5::File& file, const std::string& group, size_t policies,
                   std::optional<uint32_t> reference) {
  const std::string object = group.empty() ? "/" : group;
  EvalText text;
  text.name = file.text_attribute(object, "name");
  text.ids = h5::read_list<int32_t>(file, group + "/tokens/id");
  const size_t tokens = text.ids.size();
  text.reached = static_cast<uint32_t>(
      std::min<uint64_t>(file.count_attribute(object, "tokens_reached"), tokens));
  text.seconds = file.real_attribute(object, "seconds");
  text.nll = h5::read_grid<float>(file, group + "/nll", policies, tokens);
  text.top1 = h5::read_grid<int32_t>(file, group + "/top1", policies, tokens);
  if (reference) text.kl = h5::read_grid<float>(file, group + "/kl", policies, tokens);
  text.cache.resize(policies);
  for (const TotalsColumn& column : kTotals) {
    const auto values = h5::read_list<uint64_t>(file, group + "/cache/" + column.name, policies);
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
  write_lane_budgets(file, contents.lane_budgets);
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
  contents.lane_budgets = read_lane_budgets(file, contents.policies.size());
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
