// Notes, workspaces and what the viewer remembers: round trips, two windows, and files that are
// broken.

#include <fstream>
#include <gtest/gtest.h>
#include <random>

#include "data/error.h"
#include "gui/json_file.h"
#include "gui/notes.h"
#include "gui/recent.h"
#include "gui/workspace_file.h"
#include "tests/support/files.h"

namespace dendrokv {
namespace {

Note note(const char* id, uint32_t first, uint32_t last, const char* text) {
  return {QString::fromUtf8(id), {Position(first), Position(last)}, QString::fromUtf8(text)};
}

SavedWorkspace sample_workspace() {
  SavedWorkspace saved;
  saved.trace = "/data/a/trace.h5";
  saved.trace_uuid = "u";
  saved.runs = {"/data/a/runs.h5", "/data/b/more.h5"};
  saved.selection.run = 2;
  saved.selection.scope = LaneScope::LayerMean;
  saved.selection.layer = Layer(14);
  saved.selection.lane = Lane(1);
  saved.selection.set = {{Layer(3), Lane(0)}, {Layer(14), Lane(2)}};
  saved.selection.step = Step(500);
  saved.selection.position = Position(7);
  saved.selection.range = {Position(3), Position(9)};
  saved.selection.others = {0, 1};
  saved.selection.first_visible = Position(2);
  saved.selection.visible = 64;
  saved.theme = Theme::HighContrast;
  saved.font_percent = 130;
  saved.level_marks = false;
  saved.views = {"text", "lineage"};
  saved.sizes = {10, 20, 30};
  return saved;
}

TEST(NotesFiles, KeepWhatTheyAreGivenByteForByte) {
  const NotesFile file{"u", {note("a", 3, 3, "here\nstands the \"key\""), note("b", 5, 9, "")}};
  const QByteArray text = notes_text(file);
  const NotesFile read = parse_notes("n", text);
  EXPECT_EQ(read.trace_uuid, "u");
  EXPECT_EQ(read.notes, file.notes);
  EXPECT_EQ(notes_text(read), text);
}

TEST(NotesFiles, AreRefusedWithAReason) {
  const auto refusal = [](const char* text) {
    try {
      parse_notes("n", text);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(refusal("{"), "");
  EXPECT_NE(refusal("[]"), "");
  EXPECT_NE(refusal(R"({"format":"dendrokv-notes","format_version":2})").find("newer"),
            std::string::npos);
  const auto with = [](const char* notes) {
    return std::string(R"({"format":"dendrokv-notes","format_version":1,"notes":)") + notes + "}";
  };
  EXPECT_NE(refusal(with(R"([{"first":1,"last":2}])").c_str()), "");
  EXPECT_NE(refusal(with(R"([{"id":"a","first":3,"last":2}])").c_str()).find("begins"),
            std::string::npos);
  EXPECT_NE(refusal(with(R"([{"id":"a","first":-3,"last":2}])").c_str()), "");
  EXPECT_NE(
      refusal(with(R"([{"id":"a","first":1,"last":2},{"id":"a","first":1,"last":2}])").c_str()),
      "");
}

TEST(NotesFiles, OfTwoWindowsAreMerged) {
  const std::vector<Note> base = {note("a", 1, 1, "a"), note("b", 2, 2, "b"), note("c", 3, 3, "c")};
  const std::vector<Note> mine = {note("a", 1, 1, "mine"), note("c", 3, 3, "c"),
                                  note("m", 9, 9, "new here")};
  const std::vector<Note> theirs = {note("a", 1, 1, "a"), note("b", 2, 2, "b"),
                                    note("c", 3, 3, "theirs"), note("t", 0, 0, "new there")};
  const std::vector<Note> wanted = {note("t", 0, 0, "new there"), note("a", 1, 1, "mine"),
                                    note("c", 3, 3, "theirs"), note("m", 9, 9, "new here")};
  EXPECT_EQ(merge_notes(base, mine, theirs), wanted);
  EXPECT_EQ(merge_notes(base, base, {}), std::vector<Note>()) << "the other window removed all";
}

TEST(NotesModels, OfOneTraceDoNotFight) {
  testing::TemporaryFolder folder;
  const std::filesystem::path trace = folder / "t.h5";
  std::ofstream(trace) << "never touched";
  NotesModel one, two;
  one.open(trace, "u", 100);
  two.open(trace, "u", 100);
  one.add({Position(5), Position(5)}, QStringLiteral("first window"));
  two.add({Position(7), Position(9)}, QStringLiteral("second window"));
  EXPECT_EQ(two.notes().size(), 2u);
  one.remove(one.notes().front().id);
  ASSERT_EQ(one.notes().size(), 1u);
  EXPECT_EQ(one.notes().front().text, QStringLiteral("second window"));
  one.undo();
  EXPECT_EQ(one.notes().size(), 2u);
  EXPECT_EQ(testing::read_text(trace), "never touched");
  EXPECT_EQ(one.neighbour(std::nullopt, 1)->range.first, Position(5));
  EXPECT_EQ(one.neighbour(Position(5), 1)->range.first, Position(7));
  EXPECT_EQ(one.neighbour(Position(7), 1)->range.first, Position(5)) << "round the end";
  EXPECT_EQ(one.neighbour(Position(5), -1)->range.first, Position(7));
}

TEST(NotesModels, NeverWriteOverWhatTheyCannotRead) {
  testing::TemporaryFolder folder;
  const std::filesystem::path trace = folder / "t.h5";
  for (const std::string& text :
       {std::string("{ broken"), notes_text({"another trace", {}}).toStdString(),
        notes_text({"u", {note("a", 5, 500, "")}}).toStdString()}) {
    std::ofstream(notes_path(trace)) << text;
    NotesModel model;
    EXPECT_THROW(model.open(trace, "u", 100), Error);
    EXPECT_THROW(model.add({Position(1), Position(1)}, {}), Error);
    EXPECT_EQ(testing::read_text(notes_path(trace)), text);
  }
}

TEST(WorkspaceFiles, KeepWhatTheyAreGivenByteForByte) {
  const SavedWorkspace saved = sample_workspace();
  const QByteArray text = workspace_text(saved, "/data/a/trace.dendrokv");
  EXPECT_TRUE(text.contains("\"trace\": \"trace.h5\"")) << text.toStdString();
  EXPECT_TRUE(text.contains("\"../b/more.h5\"")) << text.toStdString();
  const SavedWorkspace read = parse_workspace("/data/a/trace.dendrokv", text);
  EXPECT_EQ(read.trace, saved.trace);
  EXPECT_EQ(read.runs, saved.runs);
  EXPECT_EQ(read.selection, saved.selection);
  EXPECT_EQ(read.theme, saved.theme);
  EXPECT_EQ(read.font_percent, 130);
  EXPECT_FALSE(read.level_marks);
  EXPECT_EQ(read.views, saved.views);
  EXPECT_EQ(read.sizes, saved.sizes);
  EXPECT_EQ(workspace_text(read, "/data/a/trace.dendrokv"), text);
}

TEST(WorkspaceFiles, MoveWithTheirFolder) {
  const QByteArray text = workspace_text(sample_workspace(), "/data/a/trace.dendrokv");
  EXPECT_EQ(parse_workspace("/elsewhere/a/trace.dendrokv", text).trace, "/elsewhere/a/trace.h5");
}

/// Cuts, flips and insertions: read, or refused with an Error, never anything else.
template <class Parse>
void fuzz(const QByteArray& whole, const Parse& parse) {
  std::mt19937 random(11);
  int refused = 0;
  for (int round = 0; round < 3000; ++round) {
    QByteArray text = whole;
    for (unsigned change = 0; change < 1 + random() % 3; ++change) {
      const int at = static_cast<int>(random() % static_cast<unsigned>(text.size()));
      switch (random() % 4) {
        case 0:
          text.truncate(at + 1);
          break;
        case 1:
          text[at] = static_cast<char>(random());
          break;
        case 2:
          text.insert(at, QByteArray("-1e400,[{\"\\u0000"));
          break;
        default:
          text.remove(at, static_cast<int>(1 + random() % 9));
      }
      if (text.isEmpty()) text = "x";
    }
    try {
      parse(text);
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 500);
}

TEST(BrokenFiles, WorkspacesNeverCrash) {
  fuzz(workspace_text(sample_workspace(), "/data/a/trace.dendrokv"),
       [](const QByteArray& text) { parse_workspace("/data/a/trace.dendrokv", text); });
}

TEST(BrokenFiles, NotesNeverCrash) {
  fuzz(notes_text({"u", {note("a", 3, 3, "one"), note("b", 5, 9, "two")}}),
       [](const QByteArray& text) { parse_notes("n", text); });
}

TEST(RecentFiles, NewestFirstOnceAndNotTooMany) {
  testing::TemporaryFolder folder;
  Recent recent;
  for (int i = 0; i < 20; ++i) remember_opened(recent, {"/t" + std::to_string(i % 14) + ".h5"});
  EXPECT_EQ(recent.opened.size(), kMostRecent);
  EXPECT_EQ(recent.opened[0], Recent::Files{"/t5.h5"});
  EXPECT_EQ(recent.opened[1], Recent::Files{"/t4.h5"});
  recent.tour_seen = true;
  const std::filesystem::path file = folder / "deep/state.json";
  write_recent(file, recent);
  const Recent read = read_recent(file);
  EXPECT_EQ(read.opened, recent.opened);
  EXPECT_TRUE(read.tour_seen);
}

TEST(RecentFiles, ABrokenListIsStartedAnew) {
  testing::TemporaryFolder folder;
  std::ofstream(folder / "state.json") << "{\"format\":";
  EXPECT_TRUE(read_recent(folder / "state.json").opened.empty());
  EXPECT_TRUE(read_recent(folder / "none.json").opened.empty());
}

}  // namespace
}  // namespace dendrokv
