#include "gui/application.h"

#include <QImage>
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "data/error.h"
#include "tests/gui/opened_window.h"

namespace dendrokv {
namespace {

/// Sample files, and runs of the program in their folder.
class Program : public ::testing::Test {
 protected:
  testing::TemporaryFolder folder;

  void SetUp() override {
    testing::write_sample_trace(folder / "t.h5", {});
    testing::write_sample_runs(folder / "r.h5", folder / "t.h5",
                               {"treekv:capacity=16,sinks=2,recent=6"});
  }

  struct Outcome {
    int status;
    std::string out, err;
  };
  Outcome run(const std::string& arguments, const std::string& environment = {}) {
    const std::string command =
        "cd '" + folder.path().string() +
        "' && env -u DISPLAY -u WAYLAND_DISPLAY -u QT_QPA_PLATFORM ASAN_OPTIONS=detect_leaks=0 " +
        environment + " '" DENDROKV_VIEW_PROGRAM "' " + arguments + " >out.txt 2>err.txt";
    const int status = std::system(command.c_str());
    return {WEXITSTATUS(status), testing::read_text(folder / "out.txt"),
            testing::read_text(folder / "err.txt")};
  }
  void expect_failure(const std::string& arguments, int status, const std::string& wanted) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.status, status) << arguments;
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(outcome.err.rfind("dendrokv-view: ", 0), 0u) << outcome.err;
    EXPECT_NE(outcome.err.find(wanted), std::string::npos) << outcome.err;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    for (const char* name : {"o.png", "o.svg", "o.pdf", "o.csv"})
      EXPECT_FALSE(std::filesystem::exists(folder / name)) << arguments;
  }
};

TEST_F(Program, DrawsAPictureOfTheAskedSizeAndSaysWhere) {
  const Outcome outcome = run("t.h5 --runs r.h5 --render o.png --size 1280x720");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, "o.png\n");
  EXPECT_EQ(outcome.err, "");
  const QImage image(QString::fromStdString((folder / "o.png").string()));
  EXPECT_EQ(image.size(), QSize(1280, 720));
  const Palette& colours = palette(Theme::Light);
  for (const Rgb wanted : {colours.sink, colours.recent, colours.level[1], colours.level[2]})
    EXPECT_GT(testing::count_of(image, wanted), 40) << to_hex(wanted);
}

TEST_F(Program, TheSamePictureInEveryRun) {
  ASSERT_EQ(run("t.h5 r.h5 --render o.png --size 1280x720").status, 0);
  ASSERT_EQ(run("t.h5 r.h5 --render p.png --size 1280x720", "LC_ALL=C QT_SCALE_FACTOR=1").status,
            0);
  EXPECT_TRUE(testing::read_text(folder / "o.png") == testing::read_text(folder / "p.png"));
}

/// Blocks of 2 x 2 pixels that are not of one colour: none in a picture that was only enlarged.
int fine_blocks(const QImage& picture) {
  int count = 0;
  for (int y = 0; y + 1 < picture.height(); y += 2)
    for (int x = 0; x + 1 < picture.width(); x += 2) {
      const QRgb first = picture.pixel(x, y);
      count += first != picture.pixel(x + 1, y) || first != picture.pixel(x, y + 1) ||
               first != picture.pixel(x + 1, y + 1);
    }
  return count;
}

TEST_F(Program, AtTwiceTheDensityEveryCanvasIsSharpAndWhereItWas) {
  for (const char* view :
       {"text", "retention", "contributions", "mosaic", "overview", "variability"}) {
    const std::string command =
        std::string("t.h5 r.h5 --size 1280x720 --view ") + view + " --render ";
    ASSERT_EQ(run(command + "once.png").status, 0);
    ASSERT_EQ(run(command + "twice.png", "QT_SCALE_FACTOR=2").status, 0);
    const auto read = [this](const char* name) {
      return QImage(QString::fromStdString((folder / name).string()))
          .convertToFormat(QImage::Format_RGB32);
    };
    const QImage once = read("once.png"), twice = read("twice.png");
    ASSERT_EQ(twice.size(), 2 * once.size()) << view;
    EXPECT_GT(fine_blocks(twice), 1500) << view;
    const QImage halved =
        twice.scaled(once.size(), Qt::IgnoreAspectRatio, Qt::SmoothTransformation);
    double apart = 0;
    for (int y = 0; y < once.height(); ++y)
      for (int x = 0; x < once.width(); ++x)
        apart += std::abs(qGray(once.pixel(x, y)) - qGray(halved.pixel(x, y)));
    // Of 255, on average: edges of text and lines differ, areas do not.
    EXPECT_LT(apart / (double{1} * once.width() * once.height()), 4) << view;
  }
}

TEST_F(Program, PictureAndTableInOneRun) {
  const Outcome outcome = run(
      "t.h5 r.h5 --view text --theme dark --lane 1.mean --step 50 --render o.svg --export o.csv "
      "--size=960x540");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "o.csv\no.svg\n");
  EXPECT_NE(testing::read_text(folder / "o.svg").find("<svg"), std::string::npos);
  EXPECT_EQ(testing::read_text(folder / "o.csv").rfind("position,id,text,kept_fraction\n0,", 0),
            0u);
}

TEST_F(Program, DrawsWhateverPlatformTheDesktopNames) {
  EXPECT_EQ(run("t.h5 --render o.png", "QT_QPA_PLATFORM=xcb").status, 0);
  EXPECT_TRUE(std::filesystem::exists(folder / "o.png"));
}

TEST_F(Program, HelpAndVersion) {
  const Outcome help = run("--help");
  EXPECT_EQ(help.status, 0);
  EXPECT_NE(help.out.find("--render"), std::string::npos);
  const Outcome version = run("--version");
  EXPECT_EQ(version.status, 0);
  EXPECT_EQ(version.out.rfind("dendrokv-view ", 0), 0u);
}

TEST_F(Program, UsageErrors) {
  expect_failure("--nothing", 2, "option --nothing: is unknown");
  expect_failure("t.h5 --size 3x3 --render o.png", 2, "--size: 3x3");
  expect_failure("--render o.png", 2, "no file, wanted a trace to draw");
}

TEST_F(Program, FilesThatCannotBeShown) {
  expect_failure("none.h5 --render o.png", 1, "none.h5: ");
  expect_failure("r.h5 --render o.png", 1, "no trace among the files");
  std::ofstream(folder / "note.h5") << "The tide turned at four.";
  expect_failure("note.h5 --render o.pdf --export o.csv", 1, "note.h5: ");
  std::ofstream(folder / "cut.h5", std::ios::binary)
      << testing::read_text(folder / "t.h5").substr(0, 5000);
  expect_failure("cut.h5 --export o.csv", 1, "cut.h5: ");
}

TEST_F(Program, SelectionsThatAreNotThere) {
  expect_failure("t.h5 --step 96 --render o.png", 1, "--step: 96, wanted less than 96");
  expect_failure("t.h5 --lane 3.0 --render o.png", 1, "--lane: 3, wanted less than 3");
  expect_failure("t.h5 --run 1 --export o.csv", 1, "--run: 1, wanted less than 1");
}

TEST_F(Program, OutputThatCannotBeWritten) {
  expect_failure("t.h5 --render none/o.png", 1, "none/o.png: cannot be written");
  expect_failure("t.h5 --export none/o.csv", 1, "none/o.csv: cannot be written");
}

TEST_F(Program, AWindowNeedsADisplay) {
  expect_failure("t.h5", 1, "draw into a file with --render OUT.png");
}

TEST_F(Program, RunBatchAnswersWhatWentWrong) {
  ViewOptions options;
  options.files = {folder / "none.h5"};
  options.render = folder / "o.png";
  const std::optional<std::string> problem = run_batch(options);
  ASSERT_TRUE(problem);
  EXPECT_NE(problem->find("none.h5"), std::string::npos);
  options.files = {folder / "t.h5", folder / "r.h5"};
  EXPECT_EQ(run_batch(options), std::nullopt);
  EXPECT_TRUE(std::filesystem::exists(folder / "o.png"));
}

}  // namespace
}  // namespace dendrokv
