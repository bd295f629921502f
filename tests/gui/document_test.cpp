#include "gui/document.h"

#include <QEventLoop>
#include <QTimer>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <hdf5.h>

#include "data/error.h"
#include "data/eval_file.h"
#include "data/grid.h"
#include "data/trace_reader.h"
#include "tests/gui/sample_trace.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

class DocumentTest : public ::testing::Test {
 protected:
  testing::TemporaryFolder folder;
  Document document;
  int opened = 0, failed = 0;
  std::string message;

  void SetUp() override {
    QObject::connect(&document, &Document::opened, [this] { ++opened; });
    QObject::connect(&document, &Document::failed, [this](const QString& text) {
      ++failed;
      message = text.toStdString();
    });
  }

  void settle() {
    if (!document.busy()) return;
    QEventLoop loop;
    QObject::connect(&document, &Document::settled, &loop, &QEventLoop::quit);
    QTimer::singleShot(60'000, &loop, [&loop] {
      ADD_FAILURE() << "the document never settled";
      loop.quit();
    });
    loop.exec();
  }
  void open(const std::vector<std::filesystem::path>& files) {
    document.open(files);
    settle();
  }
  void expect_refused(const std::vector<std::filesystem::path>& files, const std::string& wanted) {
    open(files);
    EXPECT_EQ(opened, 0);
    EXPECT_EQ(failed, 1);
    EXPECT_EQ(document.content(), nullptr);
    EXPECT_NE(message.find(wanted), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << "one line";
  }
  void write(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }
};

TEST_F(DocumentTest, OpensATraceAndRunsInAnyOrder) {
  testing::write_sample_trace(folder / "t.h5", {});
  testing::write_sample_runs(folder / "r.h5", folder / "t.h5", {"sliding:capacity=10", "full"});
  open({folder / "r.h5", folder / "t.h5"});
  EXPECT_EQ(opened, 1);
  EXPECT_EQ(failed, 0);
  ASSERT_TRUE(document.content());
  EXPECT_EQ(document.content()->runs.size(), 3u);
  EXPECT_EQ(document.content()->file, folder / "t.h5");
}

TEST_F(DocumentTest, AMissingFile) {
  expect_refused({folder / "none.h5"}, (folder / "none.h5").string() + ": ");
}

TEST_F(DocumentTest, AnEmptyFile) {
  write(folder / "empty.h5", "");
  expect_refused({folder / "empty.h5"}, (folder / "empty.h5").string() + ": ");
}

TEST_F(DocumentTest, AForeignFile) {
  write(folder / "note.h5", "The tide turned at four.\n");
  expect_refused({folder / "note.h5"}, (folder / "note.h5").string() + ": ");
}

TEST_F(DocumentTest, AFolder) {
  expect_refused({folder.path()}, folder.path().string() + ": ");
}

TEST_F(DocumentTest, AModel) {
  write(folder / "m.gguf", std::string("GGUF\x03\0\0\0", 8) + std::string(64, '\0'));
  expect_refused({folder / "m.gguf"},
                 "is a model, wanted a trace or runs over it, record one with dendrokv trace");
}

TEST_F(DocumentTest, AnEvaluation) {
  EvalFile file;
  file.uuid = "8f14e45f-ceea-467f-a830-9c4b5a2e6f10";
  file.policies = {"full"};
  file.texts.push_back(unscored_text("text", {1, 2, 3}, 1, std::nullopt));
  file.texts.back().reached = 3;
  write_eval(folder / "e.h5", file);
  expect_refused({folder / "e.h5"},
                 "is an evaluation, wanted a trace or runs over it, see dendrokv info");
}

TEST_F(DocumentTest, RunsAlone) {
  testing::write_sample_trace(folder / "t.h5", {});
  testing::write_sample_runs(folder / "r.h5", folder / "t.h5", {"full"});
  expect_refused({folder / "r.h5"}, "no trace among the files, wanted a trace");
}

TEST_F(DocumentTest, TwoTraces) {
  testing::write_sample_trace(folder / "t.h5", {});
  testing::write_sample_trace(folder / "u.h5", {});
  expect_refused({folder / "t.h5", folder / "u.h5"}, "is a second trace beside");
}

TEST_F(DocumentTest, RunsOfAnotherTrace) {
  testing::write_sample_trace(folder / "t.h5", {});
  testing::write_sample_trace(folder / "u.h5", {});
  testing::write_sample_runs(folder / "r.h5", folder / "u.h5", {"full"});
  expect_refused({folder / "t.h5", folder / "r.h5"}, "holds runs over trace");
}

TEST_F(DocumentTest, ATruncatedFileOpensAsFarAsItCanOrSaysWhyNot) {
  testing::SampleOptions options;
  options.tokens = 300;
  testing::write_sample_trace(folder / "t.h5", options);
  const std::string bytes = testing::read_text(folder / "t.h5");
  for (const double share : {0.001, 0.05, 0.3, 0.6, 0.9, 0.999}) {
    opened = failed = 0;
    write(folder / "cut.h5",
          bytes.substr(0, static_cast<size_t>(share * static_cast<double>(bytes.size()))));
    open({folder / "cut.h5"});
    EXPECT_EQ(opened + failed, 1);
    if (failed == 1) {
      EXPECT_NE(message.find((folder / "cut.h5").string()), std::string::npos) << message;
      continue;
    }
    document.want_row({{{0, {0}}}, 295});
    document.want_tiles(this, {whole_tile(document.heat_subject({{{2, {3}}}}), 300, 300)});
    document.want_map(295);
    settle();
    for (const Topic topic : {Topic::Row, Topic::Map})
      EXPECT_TRUE(document.problem(topic).isEmpty() ||
                  document.problem(topic).contains(QStringLiteral("cut.h5: /")))
          << document.problem(topic).toStdString();
  }
}

/// All that a cut file still shows is what the whole file shows there; more of it never shows less.
TEST_F(DocumentTest, ATraceThatWasCutAnywhereShowsWhatIsLeft) {
  testing::SampleOptions options;
  options.tokens = 300;
  testing::write_sample_trace(folder / "t.h5", options);
  const std::string bytes = testing::read_text(folder / "t.h5");
  const TraceReader whole(folder / "t.h5");
  const TraceInfo& info = whole.info();
  size_t shown_before = 0, opened_files = 0;
  constexpr size_t kCuts = 97;
  for (size_t cut = 1; cut < kCuts; ++cut) {
    write(folder / "cut.h5", bytes.substr(0, cut * bytes.size() / kCuts));
    std::optional<TraceReader> trace;
    try {
      trace.emplace(folder / "cut.h5", Incomplete::TakeWhatIsThere);
    } catch (const Error& error) {
      EXPECT_EQ(shown_before, 0u) << "a longer file is refused: " << error.what();
      EXPECT_NE(std::string(error.what()).find("cut.h5"), std::string::npos);
      continue;
    }
    ++opened_files;
    ASSERT_FALSE(trace->info().complete);
    ASSERT_NE(trace->missing()[0].find("was cut"), std::string::npos) << trace->missing()[0];
    const size_t steps = trace->info().steps.size();
    EXPECT_GE(steps, shown_before) << cut;
    shown_before = steps;
    Grid<float> wanted(steps, info.tokens), found(steps, info.tokens);
    for (size_t layer = 0; layer < info.layers.size(); ++layer)
      for (size_t head = 0; head < info.heads.size(); ++head) {
        whole.read_weights(layer, head, {0, steps}, {0, info.tokens}, wanted.view());
        trace->read_weights(layer, head, {0, steps}, {0, info.tokens}, found.view());
        ASSERT_EQ(std::memcmp(wanted.all().data(), found.all().data(), wanted.all().size_bytes()),
                  0);
      }
  }
  EXPECT_GT(opened_files, kCuts / 2);
  EXPECT_GT(shown_before, info.steps.size() / 2);
}

TEST_F(DocumentTest, AFileThatWasCutBeforeItsFirstStepShowsItsText) {
  testing::SampleOptions options;
  options.tokens = 300;
  testing::write_sample_trace(folder / "t.h5", options);
  const std::string bytes = testing::read_text(folder / "t.h5");
  const TraceReader whole(folder / "t.h5");
  size_t bare = 0;
  for (size_t cut = 1; cut < 400; ++cut) {
    write(folder / "cut.h5", bytes.substr(0, cut * bytes.size() / 400));
    try {
      const TraceReader trace(folder / "cut.h5", Incomplete::TakeWhatIsThere);
      if (!trace.info().steps.empty()) break;
      ++bare;
      EXPECT_EQ(trace.tokens().bytes, whole.tokens().bytes);
      EXPECT_NE(trace.missing()[0].find("0 of 300 steps"), std::string::npos) << trace.missing()[0];
      if (bare > 1) continue;
      // Once is enough: a whole window is asked everything that it has.
      open({folder / "cut.h5"});
      EXPECT_EQ(document.content()->ending, Ending::Cut);
      EXPECT_EQ(document.content()->runs.size(), 1u);
    } catch (const Error&) {
      EXPECT_EQ(bare, 0u);
    }
  }
  EXPECT_GT(bare, 0u);
}

/// Moves /tokens behind everything else, where programs that rewrite files may put it.
void put_tokens_last(const std::filesystem::path& path) {
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  ASSERT_GE(H5Ocopy(file, "/tokens", file, "/again", H5P_DEFAULT, H5P_DEFAULT), 0);
  ASSERT_GE(H5Ldelete(file, "/tokens", H5P_DEFAULT), 0);
  ASSERT_GE(H5Lmove(file, "/again", file, "/tokens", H5P_DEFAULT, H5P_DEFAULT), 0);
  ASSERT_GE(H5Fclose(file), 0);
}

TEST_F(DocumentTest, AFileThatHasLostItsTokensShowsWhatWasRecordedOfThem) {
  testing::SampleOptions options;
  options.tokens = 300;
  testing::write_sample_trace(folder / "t.h5", options);
  put_tokens_last(folder / "t.h5");
  const TraceReader whole(folder / "t.h5");
  const std::string bytes = testing::read_text(folder / "t.h5");
  bool lost = false;
  for (size_t left = bytes.size() - 1; !lost && left > bytes.size() / 2; left -= 64) {
    write(folder / "cut.h5", bytes.substr(0, left));
    const TraceReader trace(folder / "cut.h5", Incomplete::TakeWhatIsThere);
    lost = trace.tokens().id[0] == -1;
  }
  ASSERT_TRUE(lost);
  open({folder / "cut.h5"});
  const Content& content = *document.content();
  EXPECT_EQ(content.tokens.id.size(), 300u);
  EXPECT_EQ(content.tokens.piece(Position(7)), "\u00b7");
  EXPECT_TRUE(std::any_of(content.missing.begin(), content.missing.end(),
                          [](const std::string& one) { return one.starts_with("/tokens: lost"); }));
  ASSERT_EQ(content.info.steps.size(), 300u) << "rows are not behind the cut";
  document.want_row({{{1, {0}}}, 299});
  settle();
  ASSERT_TRUE(document.row());
  Grid<float> weight(1, 300);
  whole.read_weights(1, 0, {299, 1}, {0, 300}, weight.view());
  for (size_t p = 0; p < 300; ++p) EXPECT_EQ(document.row()->weight[p], weight(0, p));
}

TEST_F(DocumentTest, ACutFileThatShowsNothingSaysWhatLiesBehindTheCut) {
  testing::write_sample_trace(folder / "t.h5", {});
  const std::string bytes = testing::read_text(folder / "t.h5");
  std::string refusal;
  for (size_t left = 200; left < bytes.size() && refusal.find("the tokens") == std::string::npos;
       left += 100) {
    write(folder / "cut.h5", bytes.substr(0, left));
    try {
      const TraceReader trace(folder / "cut.h5", Incomplete::TakeWhatIsThere);
      break;
    } catch (const Error& error) {
      refusal = error.what();
    }
  }
  EXPECT_NE(refusal.find("it has lost"), std::string::npos) << refusal;
  EXPECT_NE(refusal.find("wanted at least that, copy the file again"), std::string::npos)
      << refusal;
}

TEST_F(DocumentTest, ACutFileSaysWhatItLacksAndShowsTheRest) {
  testing::SampleOptions options;
  options.tokens = 300;
  testing::write_sample_trace(folder / "t.h5", options);
  testing::write_sample_runs(folder / "r.h5", folder / "t.h5",
                             {"full", "streaming:sinks=2,recent=30"});
  const std::string trace = testing::read_text(folder / "t.h5"),
                    runs = testing::read_text(folder / "r.h5");
  write(folder / "cut.h5", trace.substr(0, trace.size() * 19 / 20));
  write(folder / "cut-runs.h5", runs.substr(0, runs.size() / 2));
  open({folder / "cut.h5", folder / "cut-runs.h5"});
  ASSERT_EQ(opened, 1) << message;
  const Content& content = *document.content();
  const auto says = [&](const std::string& words) {
    return std::ranges::any_of(content.missing, [&](const std::string& one) {
      return one.find(words) != std::string::npos;
    });
  };
  EXPECT_TRUE(says("The file was cut: "));
  EXPECT_TRUE(says("cut-runs.h5"));
  const Step last = content.info.steps.back();
  document.want_row({{{0, {0}}}, content.info.steps.size() - 1});
  document.want_tiles(this, {whole_tile(document.heat_subject({{{2, {3}}}}), 300, 300)});
  settle();
  EXPECT_EQ(document.problem(Topic::Heat).toStdString(), "");
  ASSERT_TRUE(document.tile(whole_tile(document.heat_subject({{{2, {3}}}}), 300, 300)));
  EXPECT_LT(last.value, 299u);
  EXPECT_EQ(content.ending, Ending::Cut);
  // Contributions are there as far as values are.
  const TraceReader cut(folder / "cut.h5", Incomplete::TakeWhatIsThere);
  for (size_t layer = 0; layer < 3; ++layer) {
    Grid<float> value(1, options.head_dim);
    bool there = true;
    try {
      cut.read_values(layer, KvHead(0), {0, 1}, value.view());
    } catch (const Error&) {
      there = false;
    }
    const HeatSubject contributions{{{layer, {0}}}, Quantity::Contribution, Reduction::Max};
    const TileKey whole =
        whole_tile(document.heat_subject(contributions), content.info.steps.size(), 300);
    document.want_tiles(this, {whole});
    settle();
    ASSERT_TRUE(document.tile(whole));
    EXPECT_EQ(std::isnan(document.tile(whole)->values(0, 0)), !there) << layer;
  }
}

TEST_F(DocumentTest, ANewerFormatOpensAndSaysSo) {
  testing::write_sample_trace(folder / "t.h5", {});
  const hid_t file = H5Fopen((folder / "t.h5").c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t version = H5Aopen(file, "format_version", H5P_DEFAULT);
  const uint64_t later = 9;
  ASSERT_GE(H5Awrite(version, H5T_NATIVE_UINT64, &later), 0);
  H5Aclose(version);
  H5Fclose(file);
  open({folder / "t.h5"});
  ASSERT_EQ(opened, 1) << message;
  ASSERT_EQ(document.content()->missing.size(), 1u);
  EXPECT_NE(document.content()->missing[0].find("newer version"), std::string::npos);
  EXPECT_NE(document.content()->missing[0].find("format 9"), std::string::npos);
}

TEST_F(DocumentTest, ARecordingIsFollowedToItsEnd) {
  testing::GrowingTrace growing(folder / "live.h5");
  growing.write_steps(256);
  // The writer's thread may need a moment for the first steps.
  for (int look = 0; look < 1000 && opened == 0; ++look) open({folder / "live.h5.part"});
  ASSERT_EQ(opened, 1) << message;
  EXPECT_FALSE(document.content()->info.complete);
  const size_t first = document.content()->info.steps.size();
  EXPECT_GE(first, 64u);
  EXPECT_LE(first, 256u);
  EXPECT_FALSE(document.content()->missing.empty()) << "it says that this is not all";
  QEventLoop loop;
  QObject::connect(&document, &Document::grew, &loop, &QEventLoop::quit);
  QTimer timeout;
  timeout.setSingleShot(true);
  QObject::connect(&timeout, &QTimer::timeout, &loop, [&loop] { loop.exit(1); });
  timeout.start(60'000);
  growing.write_steps(1024);
  ASSERT_EQ(loop.exec(), 0) << "the growth was not noticed";
  const size_t second = document.content()->info.steps.size();
  EXPECT_GT(second, first);
  document.want_row({{{0, {0}}}, second - 1});
  settle();
  ASSERT_TRUE(document.row()) << document.problem(Topic::Row).toStdString();
  EXPECT_NEAR(double{document.row()->weight[5]}, 1.0 / static_cast<double>(second), 1e-6);
  growing.finish();
  while (!document.content()->info.complete) ASSERT_EQ(loop.exec(), 0) << "the end was not noticed";
  EXPECT_EQ(document.content()->file, folder / "live.h5");
  EXPECT_EQ(document.content()->info.steps.size(), 2048u);
  EXPECT_EQ(document.pyramid_origin(), PyramidOrigin::Trace);
}

TEST_F(DocumentTest, DamagedBytesNeverCrash) {
  testing::write_sample_trace(folder / "t.h5", {});
  const std::string bytes = testing::read_text(folder / "t.h5");
  for (size_t round = 0; round < 24; ++round) {
    opened = failed = 0;
    std::string damaged = bytes;
    for (size_t i = 0; i < 64; ++i)
      damaged[(round * 7919 + i * 104729) % damaged.size()] ^= static_cast<char>(0x5a + i);
    write(folder / "bad.h5", damaged);
    open({folder / "bad.h5"});
    EXPECT_EQ(opened + failed, 1);
    if (opened == 1) {
      document.want_row({{{0, {0}}}, 95});
      document.want_tiles(this, {whole_tile(document.heat_subject({{{0, {0}}}}), 96, 96)});
      document.want_map(95);
      settle();
    } else {
      EXPECT_FALSE(message.empty());
    }
  }
}

TEST_F(DocumentTest, AFailureLeavesNothingOfTheDocumentBefore) {
  testing::write_sample_trace(folder / "t.h5", {});
  open({folder / "t.h5"});
  document.want_row({{{0, {0}}}, 95});
  settle();
  ASSERT_TRUE(document.row());
  open({folder / "none.h5"});
  EXPECT_EQ(document.content(), nullptr);
  EXPECT_EQ(document.row(), nullptr);
  EXPECT_EQ(document.tile_counters().tiles, 0u);
  EXPECT_EQ(document.map(), nullptr);
  open({folder / "t.h5"});
  EXPECT_EQ(opened, 2);
}

TEST_F(DocumentTest, AnswersCarryTheirRequestAndTheNewestWins) {
  testing::write_sample_trace(folder / "t.h5", {});
  open({folder / "t.h5"});
  std::vector<Topic> arrived;
  QObject::connect(&document, &Document::arrived, [&](Topic topic) { arrived.push_back(topic); });
  for (size_t step = 0; step < 96; ++step) document.want_row({{{1, {0, 1}}}, step});
  EXPECT_TRUE(document.busy());
  settle();
  EXPECT_EQ(arrived, (std::vector<Topic>{Topic::Row})) << "a storm of requests has one answer";
  ASSERT_TRUE(document.row());
  EXPECT_EQ(document.row()->request, (RowRequest{{{1, {0, 1}}}, 95}));
  document.want_row({{{1, {0, 1}}}, 95});
  EXPECT_FALSE(document.busy()) << "what is there is not read again";
}

TEST_F(DocumentTest, NothingIsAskedWithoutADocument) {
  document.want_row({{{0, {0}}}, 0});
  document.want_map(0);
  EXPECT_FALSE(document.busy());
}

TEST_F(DocumentTest, TilesComeNewestFirstAndStaleOnesAreLeftOut) {
  testing::SampleOptions options;
  options.tokens = 600;
  options.layers = 1;
  testing::write_sample_trace(folder / "t.h5", options);
  open({folder / "t.h5"});
  const uint32_t subject = document.heat_subject({{{0, {0}}}});
  EXPECT_EQ(document.heat_subject({{{0, {0}}}}), subject);
  EXPECT_NE(document.heat_subject({{{0, {1}}}}), subject);
  std::vector<TileKey> scroll;
  for (uint32_t column = 0; column < 3; ++column) {
    scroll.push_back({subject, 0, 0, 2, column});
    document.want_tiles(this, {scroll.back()});
  }
  EXPECT_LE(document.tiles_waiting(), 2u) << "what was wanted before is not waited for";
  settle();
  EXPECT_TRUE(document.tile(scroll.back()));
  EXPECT_FALSE(document.busy());
  int arrived = 0;
  QObject::connect(&document, &Document::arrived, [&arrived](Topic) { ++arrived; });
  document.want_tiles(this, {scroll.back()});
  settle();
  EXPECT_EQ(arrived, 0) << "what is there is not read again";
}

TEST_F(DocumentTest, ATraceReplacedOnDiskIsNoticed) {
  testing::write_sample_trace(folder / "t.h5", {});
  open({folder / "t.h5"});
  QString said;
  QEventLoop loop;
  QObject::connect(&document, &Document::replaced, [&](const QString& what) {
    said = what;
    loop.quit();
  });
  testing::write_sample_trace(folder / "u.h5", {});
  std::filesystem::rename(folder / "u.h5", folder / "t.h5");
  QTimer::singleShot(30'000, &loop, &QEventLoop::quit);
  loop.exec();
  EXPECT_TRUE(said.contains(QStringLiteral("replaced")));
  // What was open stays readable: the old file is still held.
  document.want_row({{{0, {0}}}, 95});
  settle();
  EXPECT_TRUE(document.row());
}

TEST_F(DocumentTest, TwoWindowsOnOneTraceDoNotFight) {
  testing::write_sample_trace(folder / "t.h5", {});
  open({folder / "t.h5"});
  Document other;
  QEventLoop loop;
  QObject::connect(&other, &Document::settled, &loop, &QEventLoop::quit);
  other.open({folder / "t.h5"});
  loop.exec();
  ASSERT_TRUE(other.content());
  document.want_row({{{0, {0}}}, 95});
  other.want_row({{{0, {0}}}, 95});
  settle();
  if (other.busy()) loop.exec();
  ASSERT_TRUE(document.row() && other.row());
  EXPECT_EQ(document.row()->weight, other.row()->weight);
}

TEST_F(DocumentTest, OpeningTwiceAnswersForTheSecond) {
  testing::write_sample_trace(folder / "t.h5", {});
  testing::SampleOptions shorter;
  shorter.tokens = 20;
  testing::write_sample_trace(folder / "u.h5", shorter);
  document.open({folder / "t.h5"});
  open({folder / "u.h5"});
  EXPECT_EQ(opened, 1);
  EXPECT_EQ(document.content()->info.tokens, 20u);
}

}  // namespace
}  // namespace dendrokv
