#include <gtest/gtest.h>

#include "data/error.h"
#include "gui/applied_options.h"
#include "gui/views.h"

namespace dendrokv {
namespace {

ViewOptions parsed(std::vector<std::string_view> arguments) {
  return parse_options(arguments);
}

/// The error of a command line; empty when it is taken.
std::string refusal(std::vector<std::string_view> arguments) {
  try {
    parse_options(arguments);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(ViewOptions, NothingAskedOpensAnEmptyWindow) {
  const ViewOptions options = parsed({});
  EXPECT_TRUE(options.files.empty());
  EXPECT_FALSE(options.batch());
  EXPECT_EQ(options.width, 1920u);
  EXPECT_EQ(options.height, 1080u);
  EXPECT_EQ(options.theme, Theme::Light);
}

TEST(ViewOptions, FilesAndRunsInOrder) {
  const ViewOptions options = parsed({"t.h5", "--runs", "a.h5", "--runs=b.h5", "c.h5"});
  const std::vector<std::filesystem::path> wanted = {"t.h5", "a.h5", "b.h5", "c.h5"};
  EXPECT_EQ(options.files, wanted);
}

TEST(ViewOptions, NumbersAreTakenWithAndWithoutEquals) {
  const ViewOptions options = parsed({"--run", "2", "--at=17", "--step", "40"});
  EXPECT_EQ(options.run, 2u);
  EXPECT_EQ(options.at, Position(17));
  EXPECT_EQ(options.step, Step(40));
}

TEST(ViewOptions, Lanes) {
  const ViewOptions one = parsed({"--lane", "14.1"});
  EXPECT_EQ(one.scope, LaneScope::One);
  EXPECT_EQ(one.layer, Layer(14));
  EXPECT_EQ(one.lane, Lane(1));
  const ViewOptions layer = parsed({"--lane", "3.mean"});
  EXPECT_EQ(layer.scope, LaneScope::LayerMean);
  EXPECT_EQ(layer.layer, Layer(3));
  EXPECT_EQ(parsed({"--lane", "mean"}).scope, LaneScope::AllMean);
}

TEST(ViewOptions, WindowAndOutput) {
  const ViewOptions options = parsed({"t.h5", "--theme", "dark", "--size", "1000x600", "--view",
                                      "text", "--render", "a.svg", "--export", "b.csv"});
  EXPECT_EQ(options.theme, Theme::Dark);
  EXPECT_EQ(options.width, 1000u);
  EXPECT_EQ(options.height, 600u);
  EXPECT_EQ(options.view, "text");
  EXPECT_EQ(options.render, "a.svg");
  EXPECT_EQ(options.export_csv, "b.csv");
  EXPECT_TRUE(options.batch());
}

TEST(ViewOptions, HelpAndVersionNeedNoFile) {
  EXPECT_EQ(parsed({"--help", "--render", "a.png"}).ask, ViewOptions::Ask::Help);
  EXPECT_EQ(parsed({"--version"}).ask, ViewOptions::Ask::Version);
}

struct Refused {
  std::vector<std::string_view> arguments;
  const char* message;
};

TEST(ViewOptions, EachRefusalSaysWhatWasFoundAndWanted) {
  const Refused table[] = {
      {{"--lanes", "1.2"}, "option --lanes: is unknown, wanted one of --help, did you mean --lane"},
      {{"-x"}, "option -x: is unknown"},
      {{"--step"}, "--step: no value, wanted N"},
      {{"--step", "-1"}, "--step: \"-1\", wanted a whole number"},
      {{"--at", "1e3"}, "--at: \"1e3\", wanted a whole number"},
      {{"--at", "99999999999"}, "--at: \"99999999999\", wanted a whole number"},
      {{"--run", ""}, "--run: \"\", wanted a whole number"},
      {{"--lane", "7"},
       "--lane: \"7\", wanted LAYER.HEAD, LAYER.mean, mean or a set of lanes, as --lane 14.1 or "
       "--lane L3,L5-7:H2"},
      {{"--lane", "a.1"}, "--lane: \"a\", wanted a whole number"},
      {{"--lane", "1."}, "--lane: \"\", wanted a whole number"},
      {{"--size", "800"}, "--size: \"800\", wanted WIDTHxHEIGHT, as --size 1920x1080"},
      {{"--size", "20x20"}, "--size: 20x20, wanted 960x540 to 16384x16384"},
      {{"--size", "99999x800"}, "--size: 99999x800, wanted 960x540 to 16384x16384"},
      {{"--theme", "drak"},
       "--theme: \"drak\", wanted light, dark, high-contrast or print, did you mean dark"},
      {{"--font-scale", "30"}, "--font-scale: 30, wanted 80 to 160"},
      {{"--compare", "0"}, "--compare: one value, wanted A B"},
      {{"--clean=1"}, "--clean: has a value, wanted none"},
      {{"t.h5", "--workspace", "w.dendrokv"}, "--workspace: given beside t.h5"},
      {{"--view", "txt"},
       "view: \"txt\" is unknown, wanted a view of the table, did you mean text"},
      {{"t.h5", "--render", "a.jpg"},
       "--render: \"a.jpg\", wanted a file name that ends in .png, .svg or .pdf"},
      {{"--render", "a.png"},
       "dendrokv-view: no file, wanted a trace to draw, name one before --render or --export"},
      {{"--help=3"}, "--help: has a value, wanted none"},
  };
  for (const Refused& row : table) {
    const std::string message = refusal(row.arguments);
    EXPECT_EQ(message.substr(0, std::string_view(row.message).size()), row.message);
  }
}

TEST(ViewOptions, HelpNamesEveryOptionAndView) {
  const std::string help = help_text();
  for (const char* option : {"--compare A B", "--find", "--workspace", "--clean", "--font-scale",
                             "--runs", "--run ", "--at", "--step", "--lane", "--view", "--theme",
                             "--render", "--size", "--export", "--help", "--version"})
    EXPECT_NE(help.find(option), std::string::npos) << option;
  for (const ViewRow& row : view_table())
    EXPECT_NE(help.find(row.name), std::string::npos) << row.name;
}

class SelectedBy : public ::testing::Test {
 protected:
  Content content;
  SelectedBy() {
    content.info.tokens = 50;
    for (int i = 0; i < 2; ++i) {
      dendrokv::Run run;
      run.retention = Retention(4, 2, 50);
      content.runs.push_back(run);
    }
    content.runs[1].retention.record(Layer(3), Lane(1),
                                     {Position(11), Step(20), 12, 0.1f, 0.2f, Reason::Lost});
  }
  std::string refused(std::vector<std::string_view> arguments) {
    try {
      selected_by(parse_options(arguments), content, first_selection(content));
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  }
};

TEST_F(SelectedBy, TakesWhatWasAsked) {
  const Selection now = selected_by(parsed({"--run", "1", "--step", "30", "--lane", "3.1"}),
                                    content, first_selection(content));
  EXPECT_EQ(now.run, 1u);
  EXPECT_EQ(now.step, Step(30));
  EXPECT_EQ(now.layer, Layer(3));
  EXPECT_EQ(now.lane, Lane(1));
  EXPECT_EQ(now.position, Position(11)) << "a telling token of the lane that was asked for";
  EXPECT_EQ(selected_by(parsed({"--at", "4", "--lane", "3.1"}), content, first_selection(content))
                .position,
            Position(4));
}

TEST_F(SelectedBy, ARunOfFewerLanesThanTheFirstOneHasALaneToLookAt) {
  content.runs[0].retention.record(Layer(0), Lane(0), {Position(1), Step(20)});
  content.runs[1].retention = Retention(4, 1, 50);
  const Selection first = first_selection(content);
  ASSERT_EQ(first.lane, Lane(1));
  EXPECT_EQ(selected_by(parsed({"--run", "1"}), content, first).lane, Lane(0));
}

TEST_F(SelectedBy, RefusesWhatIsNotThere) {
  EXPECT_EQ(refused({"--run", "2"}), "--run: 2, wanted less than 2, the runs of the files");
  EXPECT_EQ(refused({"--step", "50"}), "--step: 50, wanted less than 50, the tokens of the text");
  EXPECT_EQ(refused({"--at", "50"}), "--at: 50, wanted less than 50, the tokens of the text");
  EXPECT_EQ(refused({"--lane", "4.0"}), "--lane: 4, wanted less than 4, the layers of the model");
  EXPECT_EQ(refused({"--lane", "0.2"}), "--lane: 2, wanted less than 2, the lanes of a layer");
  EXPECT_EQ(refused({"--lane", "9.mean"}),
            "--lane: 9, wanted less than 4, the layers of the model");
}

TEST(ViewOptions, LooksAndWorkspaces) {
  const ViewOptions options = parsed({"--theme", "high-contrast", "--font-scale=120", "--clean",
                                      "--workspace", "w.dendrokv", "--find", "/tide/"});
  EXPECT_EQ(options.theme, Theme::HighContrast);
  EXPECT_TRUE(options.theme_given);
  EXPECT_EQ(options.font_percent, 120);
  EXPECT_TRUE(options.clean);
  EXPECT_EQ(options.find, "/tide/");
  EXPECT_EQ(options.files, std::vector<std::filesystem::path>{"w.dendrokv"});
}

class ComparedBy : public SelectedBy {
 protected:
  ComparedBy() {
    content.file = "t.h5";
    content.runs[0].policy = "full";
    content.runs[1].policy = "treekv:capacity=8";
    content.runs.push_back(content.runs[1]);
    content.runs[2].policy = "streaming:sinks=4";
  }
};

TEST_F(ComparedBy, NumbersAndPolicies) {
  const ComparedWith numbers = compared_by(parsed({"--compare", "2", "1"}), content);
  EXPECT_EQ(numbers.run, 2u);
  EXPECT_EQ(numbers.others, std::vector<size_t>{1});
  const ComparedWith names = compared_by(parsed({"--compare=treekv", "streaming"}), content);
  EXPECT_EQ(names.run, 1u);
  EXPECT_EQ(names.others, std::vector<size_t>{2});
}

TEST_F(ComparedBy, WhatIsNeitherARunNorAFileIsRefused) {
  EXPECT_THROW(compared_by(parsed({"--compare", "0", "3"}), content), Error);
  EXPECT_THROW(compared_by(parsed({"--compare", "0", "h2o"}), content), Error);
}

}  // namespace
}  // namespace dendrokv
