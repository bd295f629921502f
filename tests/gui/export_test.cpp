#include "gui/export.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QSvgRenderer>
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <sys/stat.h>

#include "data/error.h"
#include "gui/provenance.h"
#include "tests/gui/opened_window.h"

namespace dendrokv {
namespace {

using testing::OpenedWindow;

/// Cells of a CSV text, quotes taken off.
std::vector<std::vector<std::string>> table_of(const std::string& text) {
  std::vector<std::vector<std::string>> rows(1, std::vector<std::string>(1));
  bool inside = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (inside && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      rows.back().back() += '"';
      ++i;
    } else if (c == '"') {
      inside = !inside;
    } else if (c == ',' && !inside) {
      rows.back().emplace_back();
    } else if (c == '\n' && !inside) {
      rows.emplace_back(1);
    } else {
      rows.back().back() += c;
    }
  }
  rows.pop_back();
  return rows;
}

TEST(Csv, EqualsTheDatasets) {
  OpenedWindow opened;
  const Selection& now = opened.now();
  const auto rows = table_of(csv_of(opened.content(), now));
  ASSERT_EQ(rows.size(), 97u);
  EXPECT_EQ(rows[0],
            (std::vector<std::string>{"position", "id", "text", "state", "level", "evict_step",
                                      "rival", "score", "rival_score", "reason"}));
  const TraceReader reader(opened.trace());
  const Retention& retention = opened.run().retention;
  const auto evicted = retention.evict_step(now.layer, now.lane);
  const auto rival = retention.rival(now.layer, now.lane);
  const auto score = retention.score(now.layer, now.lane);
  const auto reason = retention.reason(now.layer, now.lane);
  const std::vector<uint16_t> levels = retention.levels(now.layer, now.lane, now.step);
  for (uint32_t p = 0; p < 96; ++p) {
    const std::vector<std::string>& row = rows[p + 1];
    ASSERT_EQ(row.size(), 10u);
    EXPECT_EQ(row[0], std::to_string(p));
    EXPECT_EQ(row[1], std::to_string(reader.tokens().id[p]));
    EXPECT_EQ(row[2], reader.tokens().piece(Position(p)));
    EXPECT_EQ(row[3] == "evicted", evicted[p] >= 0);
    EXPECT_EQ(row[4], std::to_string(levels[p]));
    EXPECT_EQ(row[5], evicted[p] < 0 ? "" : std::to_string(evicted[p]));
    EXPECT_EQ(row[6], rival[p] < 0 ? "" : std::to_string(rival[p]));
    if (std::isnan(score[p])) {
      EXPECT_EQ(row[7], "");
    } else {
      EXPECT_EQ(std::stof(row[7]), score[p]) << "nine digits give a float back";
    }
    EXPECT_EQ(row[9], reason_names()[reason[p]]);
  }
}

TEST(Csv, HoldsTheVisibleRangeAndMeans) {
  OpenedWindow opened;
  opened.change([](Selection& wanted) {
    wanted.visible = 10;
    wanted.first_visible = Position(80);
    wanted.step = Step(85);
    wanted.scope = LaneScope::AllMean;
  });
  const auto rows = table_of(csv_of(opened.content(), opened.now()));
  ASSERT_EQ(rows.size(), 11u);
  EXPECT_EQ(rows[0].back(), "kept_fraction");
  EXPECT_EQ(rows[1][0], "80");
  EXPECT_EQ(rows[6].back(), "1");
  EXPECT_EQ(rows[7].back(), "") << "not read yet";
}

TEST(Picture, PngIsTheWindow) {
  OpenedWindow opened;
  const auto path = opened.folder() / "w.png";
  render_window(opened.window(), path);
  const QImage image(QString::fromStdString(path.string()));
  EXPECT_EQ(image.size(), opened.window().size());
  QImage wanted(opened.window().size(), QImage::Format_RGB32);
  opened.window().render(&wanted);
  EXPECT_EQ(image.convertToFormat(QImage::Format_RGB32), wanted);
}

TEST(Picture, SvgIsADrawingOfTheWindowsSize) {
  OpenedWindow opened;
  const auto path = opened.folder() / "w.svg";
  render_window(opened.window(), path);
  QSvgRenderer svg(QString::fromStdString(path.string()));
  ASSERT_TRUE(svg.isValid());
  EXPECT_EQ(svg.viewBox().size(), opened.window().size());
  EXPECT_NE(testing::read_text(path).find("<text"), std::string::npos) << "words stay words";
  EXPECT_EQ(opened.window().workspace().paint_mode, PaintMode::Cached);
}

TEST(Picture, PdfIsComplete) {
  OpenedWindow opened;
  const auto path = opened.folder() / "w.pdf";
  render_window(opened.window(), path);
  const std::string bytes = testing::read_text(path);
  EXPECT_EQ(bytes.substr(0, 5), "%PDF-");
  EXPECT_NE(bytes.rfind("%%EOF"), std::string::npos);
  EXPECT_GT(bytes.size(), 10'000u);
}

TEST(Picture, SaysWhereItComesFrom) {
  OpenedWindow opened;
  const auto png = opened.folder() / "w.png", svg = opened.folder() / "w.svg";
  render_window(opened.window(), png);
  render_window(opened.window(), svg);
  const QImage image(QString::fromStdString(png.string()));
  const std::string description = image.text(QStringLiteral("Description")).toStdString();
  for (const std::string& wanted : {opened.content().info.uuid, opened.run().policy,
                                    std::string("open-loop replay"), std::string("step 95")}) {
    EXPECT_NE(description.find(wanted), std::string::npos) << description;
    EXPECT_NE(testing::read_text(svg).find(wanted), std::string::npos) << wanted;
  }
}

TEST(Picture, OfOneViewHasItsPixelsAndACaption) {
  OpenedWindow opened;
  const auto path = opened.folder() / "v.png";
  render_view(opened.window(), "retention", path);
  const QImage image =
      QImage(QString::fromStdString(path.string())).convertToFormat(QImage::Format_RGB32);
  const QSize view = opened.view("retention").size();
  EXPECT_EQ(image.width(), view.width());
  EXPECT_GT(image.height(), view.height() + 30);
  const QRect inner = QRect(QPoint(0, 0), view).adjusted(8, 8, -8, -8);
  EXPECT_EQ(image.copy(inner), opened.picture("retention").copy(inner));
  EXPECT_GT(testing::count_pixels(
                image, QRect(0, view.height(), view.width(), image.height() - view.height()),
                [&](Rgb pixel) { return pixel != opened.colours().panel; }),
            300)
      << "words below";
  EXPECT_THROW(render_view(opened.window(), "nothing", path), Error);
}

TEST(Csv, HasItsProvenanceBesideIt) {
  OpenedWindow opened;
  const auto path = opened.folder() / "t.csv";
  write_csv(opened.window().document(), opened.now(), path);
  const QJsonObject metadata =
      QJsonDocument::fromJson(
          QByteArray::fromStdString(testing::read_text(opened.folder() / "t.csv-metadata.json")))
          .object();
  EXPECT_EQ(metadata[QStringLiteral("url")].toString().toStdString(), "t.csv");
  EXPECT_EQ(metadata[QStringLiteral("tableSchema")][QStringLiteral("columns")].toArray().size(),
            10);
  EXPECT_TRUE(metadata[QStringLiteral("dc:description")].toArray()[1].toString().contains(
      to_qt(opened.run().policy)));
}

TEST(Provenance, TheCommandLineShowsTheSameAgain) {
  OpenedWindow opened;
  opened.change([](Selection& wanted) {
    wanted.layer = Layer(2);
    wanted.step = Step(70);
    wanted.position = Position(9);
  });
  const QString line =
      command_line({"a b.h5"}, opened.content(), opened.now(), QStringLiteral("text"));
  EXPECT_EQ(line.toStdString(),
            "dendrokv-view 'a b.h5' --run 1 --step 70 --lane 2.1 --at 9 --view text");
}

TEST(Picture, AnotherEndingIsRefused) {
  OpenedWindow opened;
  EXPECT_THROW(render_window(opened.window(), opened.folder() / "w.gif"), Error);
}

TEST(Output, AnUnwritablePathIsSaidAndLeavesNothing) {
  OpenedWindow opened;
  std::filesystem::create_directory(opened.folder() / "taken.png");
  for (const auto& path : {opened.folder() / "none/w.png", opened.folder() / "none/w.svg",
                           opened.folder() / "none/w.pdf", opened.folder() / "taken.png"}) {
    try {
      render_window(opened.window(), path);
      ADD_FAILURE() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.subject(), path.string());
      EXPECT_EQ(error.wanted().rfind("wanted ", 0), 0u) << error.what();
    }
    EXPECT_FALSE(std::filesystem::is_regular_file(path));
  }
  EXPECT_THROW(write_csv(opened.window().document(), opened.now(), opened.folder() / "none/w.csv"),
               Error);
}

TEST(Output, APipeIsRefusedAndStaysOne) {
  OpenedWindow opened;
  const auto pipe = opened.folder() / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THROW(write_csv(opened.window().document(), opened.now(), pipe), Error);
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
}

TEST(Output, ReplacesAFileWhole) {
  OpenedWindow opened;
  const auto path = opened.folder() / "t.csv";
  std::ofstream(path) << std::string(1 << 20, 'x');
  write_csv(opened.window().document(), opened.now(), path);
  EXPECT_EQ(testing::read_text(path), csv_of(opened.content(), opened.now()));
  size_t files = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator(opened.folder().path()))
    ++files;
  EXPECT_EQ(files, 4u) << "trace, runs, table, its metadata; nothing half-written";
}

TEST(Output, NamesBeyondAsciiAreTakenAsTheyAre) {
  OpenedWindow opened;
  const auto path = opened.folder() / "gezeiten-\u00fc.csv";
  write_csv(opened.window().document(), opened.now(), path);
  EXPECT_TRUE(std::filesystem::is_regular_file(path));
}

}  // namespace
}  // namespace dendrokv
