// The pieces of tune, on a tiny model: which tokens count, and that losses are those of a decoder
// of one's own.

#include "cli/tune_pieces.h"

#include <cmath>
#include <gtest/gtest.h>

#include "data/error.h"
#include "model/decoder.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

const Model& tiny() {
  static const Model model = Model::load(testing::data_file("models/llama-gqa-tied/model.gguf"),
                                         LoadDepth::Run, Arithmetic::Fast);
  return model;
}

std::vector<int32_t> some_text(size_t tokens) {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < tokens; ++i)
    ids.push_back(static_cast<int32_t>((i * i * 31 + i * 7 + 3) % 256));
  return ids;
}

std::string text_of(const TunePiece& piece, uint32_t first, uint32_t end) {
  return tiny().tokenizer().decode(std::span(piece.ids).subspan(first, end - first));
}

constexpr uint32_t kTokens = 300;
const std::vector<uint32_t> kDepths{20, 140};

TEST(TunePieces, CutSideBySideAndCountBehindTheRows) {
  const std::vector<TunePiece> pieces = cut_pieces("a.txt", some_text(250), 100, 30);
  ASSERT_EQ(pieces.size(), 2u);  // what is left over is left out
  EXPECT_EQ(pieces[1].name, "a.txt 100-200");
  const std::vector<int32_t> ids = some_text(250);
  EXPECT_TRUE(
      std::equal(pieces[1].ids.begin(), pieces[1].ids.end(), ids.begin() + 100, ids.begin() + 200));
  EXPECT_EQ(pieces[1].scored, (std::vector<std::pair<uint32_t, uint32_t>>{{30, 100}}));
  EXPECT_THROW(cut_pieces("a.txt", some_text(99), 100, 30), Error);
}

TEST(TunePieces, PlantedOnesCountTheAnswersAlone) {
  const std::vector<TunePiece> pieces =
      plant_pieces("a.txt", some_text(2 * kTokens), kTokens, kDepths, 1, tiny());
  ASSERT_EQ(pieces.size(), 2u);
  for (const TunePiece& piece : pieces) {
    ASSERT_EQ(piece.scored.size(), kDepths.size());
    for (const auto& [first, end] : piece.scored) {
      const std::string answer = text_of(piece, first, end);
      // The question in front of it, and the fact itself somewhere before.
      const std::string before = text_of(piece, 0, first);
      const size_t question = before.rfind("\n\nThe secret word of ");
      ASSERT_NE(question, std::string::npos);
      EXPECT_LT(before.find(before.substr(question) + answer), question) << answer;
    }
  }
  EXPECT_NE(text_of(pieces[0], pieces[0].scored[0].first, pieces[0].scored[0].second),
            text_of(pieces[1], pieces[1].scored[0].first, pieces[1].scored[0].second));
  const std::vector<TunePiece> again =
      plant_pieces("a.txt", some_text(2 * kTokens), kTokens, kDepths, 1, tiny());
  EXPECT_EQ(again[1].ids, pieces[1].ids);
}

// Losses of one pass over several caches, more than go at once, beside a decoder for each.
TEST(TunePieces, LossesAreTheMeanOverTheAnswersUnderEachPolicy) {
  const TunePiece piece =
      plant_pieces("a.txt", some_text(kTokens), kTokens, kDepths, 1, tiny()).front();
  std::vector<PolicyChoice> policies;
  for (uint32_t budget = 16; budget < 36; ++budget)
    policies.emplace_back("treekv:sinks=1,recent=8,budget=" + std::to_string(budget));
  std::vector<double> losses(policies.size());
  ASSERT_TRUE(measure_closed_loop(
      tiny(), policies, piece, Session{}, [](uint64_t, uint64_t) { return Continue::Yes; },
      losses));
  for (size_t i = 0; i < policies.size(); i += 6) {
    Decoder decoder(tiny(), policies[i], {.threads = 1});
    std::vector<float> nll(piece.ids.size());
    decoder.feed_and_score(piece.ids, nll, nullptr);
    double sum = 0;
    size_t count = 0;
    for (const auto& [first, end] : piece.scored)
      for (uint32_t token = first; token < end; ++token, ++count)
        sum += static_cast<double>(nll[token]);
    EXPECT_NEAR(losses[i], sum / static_cast<double>(count), 2e-6);  // StreamScorer::feed
  }
  EXPECT_GT(std::fabs(losses.front() - losses.back()), 1e-4);  // the policies matter
  EXPECT_FALSE(measure_closed_loop(
      tiny(), policies, piece, Session{}, [](uint64_t, uint64_t) { return Continue::Stop; },
      losses));
}

}  // namespace
}  // namespace dendrokv
