#include "model/vocabulary.h"

#include <cmath>

#include "data/error.h"
#include "model/unicode.h"

namespace dendrokv {
namespace {

constexpr int64_t kLowestType = 1, kHighestType = 6;

void check_length(const TokenizerKeys& keys, std::string_view name, size_t found, size_t wanted) {
  if (found != wanted)
    fail(keys.subject(), TokenizerKeys::full(name) + " has " + std::to_string(found) + " elements",
         "wanted one for each of the " + std::to_string(wanted) + " tokens");
}

void read_types(const TokenizerKeys& keys, Vocabulary& vocabulary) {
  const std::vector<int64_t>* types = keys.numbers("token_type");
  if (!types) keys.missing("token_type");
  check_length(keys, "token_type", types->size(), vocabulary.size());
  for (const int64_t type : *types) {
    const auto id = static_cast<int32_t>(vocabulary.types.size());
    if (type < kLowestType || type > kHighestType)
      fail(keys.subject(), vocabulary.name(id) + " has type " + std::to_string(type),
           "wanted 1 to 6");
    vocabulary.types.push_back(static_cast<TokenType>(type));
  }
}

void read_scores(const TokenizerKeys& keys, Vocabulary& vocabulary) {
  const std::vector<double>* scores = keys.reals("scores");
  if (!scores) return;
  check_length(keys, "scores", scores->size(), vocabulary.size());
  for (size_t id = 0; id < scores->size(); ++id)
    if (!std::isfinite((*scores)[id]))
      fail(keys.subject(), vocabulary.name(static_cast<int32_t>(id)) + " has no finite score",
           "wanted a number");
  vocabulary.scores = *scores;
}

}  // namespace

std::string Vocabulary::name(int32_t id) const {
  return "token " + std::to_string(id) + " '" + shown(texts[static_cast<size_t>(id)]) + "'";
}

Vocabulary read_vocabulary(const TokenizerKeys& keys) {
  const std::vector<std::string>* tokens = keys.texts("tokens");
  if (!tokens) keys.missing("tokens");
  if (tokens->empty())
    fail(keys.subject(), "tokenizer.ggml.tokens is empty", "wanted a vocabulary");
  Vocabulary vocabulary;
  vocabulary.texts = *tokens;
  read_types(keys, vocabulary);
  read_scores(keys, vocabulary);
  vocabulary.ids.reserve(tokens->size());
  for (size_t i = 0; i < tokens->size(); ++i) {
    const auto id = static_cast<int32_t>(i);
    if (!vocabulary.ids.emplace((*tokens)[i], id).second)
      fail(keys.subject(), vocabulary.name(id) + " stands in the vocabulary twice",
           "wanted each text once");
  }
  return vocabulary;
}

bool is_special(TokenType type) {
  return type == TokenType::Control || type == TokenType::Unknown || type == TokenType::UserDefined;
}

}  // namespace dendrokv
