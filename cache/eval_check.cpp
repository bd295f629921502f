#include "cache/eval_check.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <string>

#include "cache/policies.h"
#include "data/error.h"

namespace dendrokv {
namespace {

// Divergences are sums of floats over a vocabulary: of two equal distributions they come this close
// to 0.
constexpr float kLeastDivergence = -1e-3f;

std::string place(const EvalFile& file, const EvalText& text, size_t policy, size_t token) {
  return "text '" + text.name + "', policy " + file.policies[policy] + ", token " +
         std::to_string(token);
}

bool in_vocabulary(int32_t id, const ModelFacts& model) {
  return id >= 0 && (model.vocabulary == 0 || static_cast<uint32_t>(id) < model.vocabulary);
}

}  // namespace

Finding check_eval_manifest(const EvalFile& file) {
  const std::string& hash = file.model.sha256;
  if (hash.size() != 64 || !std::ranges::all_of(hash, [](char letter) {
        return std::isxdigit(static_cast<unsigned char>(letter));
      }))
    return bad("the model's sha256 is '" + hash + "', wanted 64 hex digits");
  if (file.command_line.empty()) return bad("the command line is empty");
  if (file.policies.empty()) return bad("no policy is named");
  try {
    for (size_t policy = 0; policy < file.policies.size(); ++policy)
      if (PolicyChoice(file.policies[policy], file.lane_budget(policy)).text() !=
          file.policies[policy])
        return bad("the policy '" + file.policies[policy] + "' leaves options out");
  } catch (const Error& error) {
    return bad(error.what());
  }
  return good("model " + hash.substr(0, 12) + "..., " + std::to_string(file.policies.size()) +
              " policies, protocol " + file.protocol);
}

Finding check_eval_tokens(const EvalFile& file) {
  size_t count = 0;
  for (const EvalText& text : file.texts) {
    for (size_t token = 0; token < text.ids.size(); ++token)
      if (!in_vocabulary(text.ids[token], file.model))
        return bad("text '" + text.name + "': token " + std::to_string(token) + " has id " +
                   std::to_string(text.ids[token]) + ", the vocabulary has " +
                   std::to_string(file.model.vocabulary));
    for (size_t policy = 0; policy < file.policies.size(); ++policy)
      for (size_t token = 1; token < text.reached; ++token)
        if (!in_vocabulary(text.top1(policy, token), file.model))
          return bad(place(file, text, policy, token) + ": likeliest is " +
                     std::to_string(text.top1(policy, token)));
    count += text.ids.size();
  }
  return good(std::to_string(count) + " ids of a vocabulary of " +
              std::to_string(file.model.vocabulary));
}

Finding check_eval_losses(const EvalFile& file) {
  size_t count = 0;
  for (const EvalText& text : file.texts)
    for (size_t policy = 0; policy < file.policies.size(); ++policy)
      for (size_t token = 0; token < text.ids.size(); ++token) {
        const float loss = text.nll(policy, token);
        const bool wanted = token > 0 && token < text.reached;
        if (!wanted && !std::isnan(loss))
          return bad(place(file, text, policy, token) + " has a loss, though " +
                     (token == 0 ? "nothing foretold it" : "the run did not come there"));
        if (wanted && (!std::isfinite(loss) || loss < 0))
          return bad(place(file, text, policy, token) + " has loss " + std::to_string(loss));
        count += wanted;
      }
  return good(std::to_string(count) + " losses");
}

Finding check_eval_numbers(const EvalFile& file) {
  for (const EvalText& text : file.texts)
    for (size_t policy = 0; policy < file.policies.size(); ++policy) {
      for (size_t token = 1; text.kl.rows() > 0 && token < text.reached; ++token) {
        const float kl = text.kl(policy, token);
        if (!std::isfinite(kl) || kl < kLeastDivergence)
          return bad(place(file, text, policy, token) + " has divergence " + std::to_string(kl));
      }
      const CacheTotals& cache = text.cache[policy];
      if (cache.most_rows > cache.lanes * text.reached)
        return bad("text '" + text.name + "', policy " + file.policies[policy] + " held " +
                   std::to_string(cache.most_rows) + " rows in " + std::to_string(cache.lanes) +
                   " lanes, after " + std::to_string(text.reached) + " tokens");
    }
  return good("divergences and rows of " + std::to_string(file.texts.size()) + " texts");
}

}  // namespace dendrokv
