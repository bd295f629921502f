#include "cli/needles.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>

#include "analysis/random.h"
#include "cli/options.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr std::string_view kConsonants = "BDFGHJKLMNPRSTVZ", kVowels = "aeio";
constexpr std::array<std::string_view, 16> kEndings{
    "lmora",  "ndwick", "rbury", "stane", "xley",  "gdale", "llingham", "thorpe",
    "vender", "quist",  "mpton", "zarra", "kovia", "dnesk", "brook",    "phelia"};
constexpr std::array<std::string_view, 64> kWords{
    "anchor", "apple",    "arrow",  "basket", "bell",   "bread",  "bridge",  "butter",
    "button", "candle",   "carpet", "castle", "cherry", "clock",  "cloud",   "copper",
    "cotton", "diamond",  "dragon", "drum",   "eagle",  "engine", "feather", "flower",
    "forest", "garden",   "ghost",  "glass",  "hammer", "honey",  "horse",   "island",
    "jacket", "kitchen",  "ladder", "lamp",   "lemon",  "lion",   "marble",  "mirror",
    "monkey", "mountain", "needle", "ocean",  "orange", "paper",  "pepper",  "piano",
    "pocket", "prince",   "rabbit", "ribbon", "river",  "salt",   "shadow",  "silver",
    "spider", "spoon",    "table",  "temple", "tiger",  "tower",  "violin",  "window"};

struct Fact {
  std::string name, word;
  std::vector<int32_t> statement;  // the lead, the answer, what closes it
  std::vector<int32_t> question, answer;
  size_t lead = 0;  // tokens of the statement before the answer
  size_t asked() const { return question.size() + answer.size(); }
};

// Numbers from 0 below `count`, in an order by the seed.
std::vector<uint32_t> shuffled(size_t count, RandomStream& random) {
  std::vector<uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0u);
  random.shuffle(std::span(numbers));
  return numbers;
}

// A name for each place below 64. Those of a text begin in different ways, and the first sixteen
// end in different ways.
std::string name_of(uint32_t beginning, uint32_t ending) {
  const std::string first{kConsonants[beginning % kConsonants.size()],
                          kVowels[beginning / kConsonants.size()]};
  return first + std::string(kEndings[ending % kEndings.size()]);
}

std::vector<int32_t> encode(const Tokenizer& tokenizer, const std::string& text) {
  return tokenizer.encode_more(std::vector<TextPart>{{text, SpecialTokens::AsText}});
}

// The ids of `lead` followed by `answer`, parted where the answer begins.
std::pair<std::vector<int32_t>, std::vector<int32_t>> parted(const Tokenizer& tokenizer,
                                                             const std::string& lead,
                                                             const std::string& answer) {
  const std::vector<int32_t> begin = encode(tokenizer, lead);
  const std::vector<int32_t> all = encode(tokenizer, lead + answer);
  if (all.size() <= begin.size() || !std::equal(begin.begin(), begin.end(), all.begin()))
    fail("tokenizer", "draws '" + lead + "' and '" + answer + "' together",
         "wanted a token that begins with the answer", "take another model");
  return {begin, {all.begin() + static_cast<std::ptrdiff_t>(begin.size()), all.end()}};
}

Fact make_fact(const Tokenizer& tokenizer, std::string name, std::string word) {
  Fact fact{.name = std::move(name),
            .word = std::move(word),
            .statement = {},
            .question = {},
            .answer = {}};
  const std::string lead = "\n\nThe secret word of " + fact.name + " is";
  std::tie(fact.question, fact.answer) = parted(tokenizer, lead, " " + fact.word);
  const std::vector<int32_t> close = encode(tokenizer, ".\n\n");
  fact.statement = fact.question;
  fact.lead = fact.statement.size();
  fact.statement.insert(fact.statement.end(), fact.answer.begin(), fact.answer.end());
  fact.statement.insert(fact.statement.end(), close.begin(), close.end());
  return fact;
}

std::vector<Fact> make_facts(const NeedlePlan& plan, const Tokenizer& tokenizer) {
  RandomStream random(plan.seed, plan.stream);
  if (plan.depths.size() > kWords.size())
    fail_usage("--depths", std::to_string(plan.depths.size()) + " depths",
               "wanted at most " + std::to_string(kWords.size()));
  const auto beginnings = shuffled(kConsonants.size() * kVowels.size(), random);
  const auto endings = shuffled(kEndings.size(), random);
  const auto words = shuffled(kWords.size(), random);
  std::vector<Fact> facts;
  for (size_t i = 0; i < plan.depths.size(); ++i)
    facts.push_back(make_fact(tokenizer, name_of(beginnings[i], endings[i % endings.size()]),
                              std::string(kWords[words[i]])));
  return facts;
}

// Where each fact begins, so that it ends `depth` tokens before its question does begin.
std::vector<size_t> places_of(const NeedlePlan& plan, const std::vector<Fact>& facts,
                              size_t text_first) {
  std::vector<size_t> places;
  size_t question = plan.tokens, room_ends = plan.tokens;
  for (size_t i = 0; i < facts.size(); ++i) {
    const size_t depth = plan.depths[i], size = facts[i].statement.size();
    if (depth + size + text_first > question)
      fail_usage("--depths", "a fact at depth " + std::to_string(depth),
                 "wanted depths of less than " +
                     std::to_string(question - std::min(question, size + text_first) + 1),
                 "or more text before the questions (--tokens; of tune --piece)");
    const size_t end = question - depth;
    if (end > room_ends)
      fail_usage("--depths", "depth " + std::to_string(depth) + " too near to the one before it",
                 "wanted at least " + std::to_string(question - room_ends),
                 "a fact and its question take some " + std::to_string(2 * size) + " tokens");
    places.push_back(end - size);
    room_ends = places.back();
    question += facts[i].asked();
  }
  return places;
}

}  // namespace

PlantedText plant(const NeedlePlan& plan, std::span<const int32_t> filler,
                  std::span<const int32_t> first, const Tokenizer& tokenizer) {
  const std::vector<Fact> facts = make_facts(plan, tokenizer);
  const std::vector<size_t> places = places_of(plan, facts, first.size());
  PlantedText text;
  text.ids.assign(first.begin(), first.end());
  const auto fill_to = [&](size_t size) {
    DENDROKV_ASSERT(size >= text.ids.size() && filler.size() >= size - text.ids.size());
    const size_t count = size - text.ids.size();
    text.ids.insert(text.ids.end(), filler.begin(),
                    filler.begin() + static_cast<std::ptrdiff_t>(count));
    filler = filler.subspan(count);
  };
  const auto append = [&](const std::vector<int32_t>& ids) {
    text.ids.insert(text.ids.end(), ids.begin(), ids.end());
  };
  for (size_t i = facts.size(); i-- > 0;) {  // the deepest first
    fill_to(places[i]);
    append(facts[i].statement);
  }
  fill_to(plan.tokens);
  for (size_t i = 0; i < facts.size(); ++i) {
    const Fact& fact = facts[i];
    const auto begin = static_cast<uint32_t>(places[i]);
    const auto answer = begin + static_cast<uint32_t>(fact.lead);
    text.spans.push_back(
        {"fact about " + fact.name, begin, begin + static_cast<uint32_t>(fact.statement.size())});
    text.spans.push_back(
        {"word of " + fact.name, answer, answer + static_cast<uint32_t>(fact.answer.size())});
    Needle needle{.depth = plan.depths[i], .subject = fact.name, .answer = fact.word};
    needle.question_first = static_cast<uint32_t>(text.ids.size());
    append(fact.question);
    needle.answer_first = static_cast<uint32_t>(text.ids.size());
    append(fact.answer);
    needle.answer_end = static_cast<uint32_t>(text.ids.size());
    text.needles.push_back(std::move(needle));
  }
  return text;
}

}  // namespace dendrokv
