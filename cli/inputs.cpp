#include "cli/inputs.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

#include "cache/row_bounds.h"
#include "cli/format.h"
#include "cli/json.h"
#include "model/cache_bytes.h"
#include "model/mapped_file.h"
#include "model/pre_tokenizer.h"

namespace dendrokv {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDefaultModel = "SmolLM2-135M-Instruct.Q4_1.gguf";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

fs::path cache_folder() {
  const std::string cache = environment("XDG_CACHE_HOME");
  return (cache.empty() ? fs::path(environment("HOME")) / ".cache" : fs::path(cache)) / "dendrokv";
}

/// A name that was given is used as it is: whether it is a model, loading says.
fs::path model_path(const fs::path& given) {
  if (!given.empty()) return given;
  const std::string named = environment("DENDROKV_MODEL");
  if (!named.empty()) return named;
  const fs::path standard = cache_folder() / kDefaultModel;
  std::error_code ignored;
  if (!fs::exists(standard, ignored))
    fail("no model",
         "neither --model nor $DENDROKV_MODEL is given, and " + standard.string() + " is not there",
         "wanted a GGUF file", "fetch the default model with scripts/fetch-model");
  return standard;
}

void check_pre_tokenizer(const std::string& name) {
  if (!name.empty() && !find_pre_tokenizer(name))
    fail_usage("--pre-tokenizer", "'" + name + "'", "wanted one of " + pre_tokenizer_choices());
}

void refuse_binary(const std::string& subject, const std::string& text) {
  const size_t zero = text.find('\0');
  if (zero != std::string::npos)
    fail(subject, "byte " + std::to_string(zero) + " is 0", "wanted text",
         "give a text file, best in UTF-8");
}

void check_vocabulary(const std::string& subject, const std::vector<int32_t>& ids,
                      uint32_t vocabulary) {
  for (size_t i = 0; i < ids.size(); ++i)
    if (ids[i] < 0 || static_cast<uint32_t>(ids[i]) >= vocabulary)
      fail(subject, "element " + std::to_string(i) + " is " + std::to_string(ids[i]),
           "wanted ids of the model's vocabulary, 0 to " + std::to_string(vocabulary - 1),
           "use ids from `dendrokv tokenize` with the same model");
}

}  // namespace

void ModelOption::declare(Options& options) {
  options.file("-m,--model", path,
               "the model, a GGUF file (default: $DENDROKV_MODEL, else the one that "
               "scripts/fetch-model fetches)");
  options.text("--pre-tokenizer", "NAME", tokenizer.pre_tokenizer,
               "cut texts by these rules instead of those that the file names; `dendrokv models` "
               "lists them");
}

fs::path ModelOption::file(const Session& session) const {
  check_pre_tokenizer(tokenizer.pre_tokenizer);
  const fs::path found = model_path(path);
  session.detail("model " + found.string());
  return found;
}

Model ModelOption::load(const Session& session, LoadDepth depth) const {
  if (session.models != nullptr)
    return session.models->load(file(session), depth, session, tokenizer);
  return Model::load(file(session), depth, session.arithmetic, tokenizer, session.sharing);
}

Model ModelKeeper::load(const fs::path& path, LoadDepth depth, const Session& session,
                        const TokenizerOptions& tokenizer) {
  const bool same = last_ && last_->path == path && last_->depth == depth &&
                    last_->pre_tokenizer == tokenizer.pre_tokenizer &&
                    last_->model.arithmetic() == session.arithmetic;
  if (!same) {
    last_.reset();  // first: two models may be more than the memory holds
    last_.emplace(Loaded{path, depth, tokenizer.pre_tokenizer,
                         Model::load(path, depth, session.arithmetic, tokenizer, session.sharing)});
  }
  return last_->model.share();
}

Tokenizer ModelOption::load_tokenizer(const Session& session) const {
  const fs::path found = file(session);
  const MappedFile mapped(found);
  return Tokenizer(Gguf::parse(found.string(), mapped.bytes()), tokenizer);
}

void TextOption::declare(Options& options) {
  options.file("--text", text, "the text to read");
  options.file("--ids", ids, "instead of a text: a JSON array of token ids, fed as it is");
  options.count("--tokens", tokens, {1},
                "take no more than the first N tokens (default: the whole text)");
}

void TextOption::check() const {
  if (text.empty() && ids.empty())
    fail_usage("--text", "missing", "wanted a text to read, or --ids with token ids", "see --help");
  if (!text.empty() && !ids.empty())
    fail_usage("--text", "together with --ids", "wanted one of them");
}

std::vector<int32_t> read_tokens(const fs::path& path, TextForm form, std::optional<uint64_t> most,
                                 const Model& model) {
  const std::string subject = path.string();
  const std::string content = read_text_file(path);
  if (form == TextForm::Text && content.empty())
    fail(subject, "the text is empty", "wanted at least one character");
  std::vector<int32_t> all =
      form == TextForm::Text
          ? model.tokenizer().encode_prompt(std::vector<TextPart>{{content, SpecialTokens::AsText}})
          : parse_token_ids(subject, content);
  if (all.empty()) fail(subject, "no tokens", "wanted at least one");
  check_vocabulary(subject, all, model.config().vocabulary);
  if (most && all.size() > *most) all.resize(*most);
  return all;
}

std::vector<int32_t> TextOption::read_any_length(const Model& model) const {
  return read_tokens(path(), ids.empty() ? TextForm::Text : TextForm::Ids, tokens, model);
}

std::vector<int32_t> TextOption::read(const Model& model, const PolicyChoice& policy) const {
  std::vector<int32_t> all = read_any_length(model);
  check_context(
      path().string(), all.size(), model, policy,
      "take the first ones with --tokens " + std::to_string(model.config().context_length));
  return all;
}

std::string read_text_file(const fs::path& path) {
  const std::string subject = path.string();
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found)
    fail(subject, "no such file", "wanted a file to read");
  if (fs::is_directory(status)) fail(subject, "a folder", "wanted a file to read");
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream)
    fail(subject, std::string("cannot be opened: ") + std::strerror(errno),
         "wanted a file to read");
  std::ostringstream content;
  // An empty file leaves nothing to copy, which the stream calls a failure.
  if (stream.peek() != std::ifstream::traits_type::eof()) content << stream.rdbuf();
  if (stream.bad() || content.bad())
    fail(subject, "cannot be read to its end", "wanted a readable file");
  std::string text = content.str();
  refuse_binary(subject, text);
  return text;
}

std::string read_standard_input() {
  std::string text{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  refuse_binary("standard input", text);
  return text;
}

PolicyChoice parse_policy(const std::string& spec) {
  try {
    return PolicyChoice(spec);
  } catch (const Error& error) {
    throw UsageError(error.subject(), error.found(), error.wanted(), error.remedy());
  }
}

double mean_rows(uint64_t rows, const CacheRows& all) {
  return static_cast<double>(rows) / static_cast<double>(std::max<uint64_t>(1, all.lanes));
}

std::string rows_text(const CacheRows& rows) {
  return significant(mean_rows(rows.held, rows)) + " rows held by a lane, " +
         significant(mean_rows(rows.read, rows)) + " read by a query";
}

uint64_t places_needed(uint64_t token_count, const Model& model, const PolicyChoice& policy) {
  const PolicyShape& shape = policy.shape();
  if (shape.positions == PositionMode::Original || shape.budget == 0) return token_count;
  const uint32_t layers = model.config().layers, lanes = lanes_of(model.config(), shape);
  if (!policy.fits(layers, lanes)) return token_count;
  return most_rows_shown(policy, layers, lanes, token_count);
}

void note_idle_policy(const Session& session, uint64_t token_count, const PolicyChoice& policy) {
  const uint64_t rows = policy.fewest_rows();
  if (rows >= token_count)
    session.note(policy.spec().name() + " may hold " + std::to_string(rows) +
                 " rows, and the text has " + std::to_string(token_count) +
                 " tokens: nothing leaves");
}

void check_context(const std::string& subject, uint64_t token_count, const Model& model,
                   const PolicyChoice& policy, const std::string& remedy) {
  const uint64_t context = model.config().context_length;
  const uint64_t places = places_needed(token_count, model, policy);
  if (places <= context) return;
  const std::string found = token_count > places
                                ? std::to_string(places) + " rows in the cache at once"
                                : std::to_string(token_count) + " tokens";
  fail(subject, found,
       "wanted at most " + std::to_string(context) + ", the context of " + model.path().string(),
       remedy);
}

}  // namespace dendrokv
