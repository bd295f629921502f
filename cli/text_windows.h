#pragma once
// A text cut into windows that are read by themselves: the samples of the analysis (TreeKV, section
// 3.2, takes 2000 of 512 tokens).

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace dendrokv {

struct TextWindow {
  uint64_t first = 0;        // place of its first token in the text
  std::vector<int32_t> ids;  // a first token of the model's own in front, where the text had one
};

struct WindowChoice {
  uint64_t tokens = 512;            // of a window, the model's first token included
  std::optional<uint64_t> samples;  // all unless set
  uint64_t seed = 1;
  std::optional<int32_t> first_token;  // that the model puts in front of a text; ids[0] is it then
};

/// Windows side by side, in the order of the text; a rest that fills none is left out. A draw takes
/// each window at most once. Throws Error naming `text`: too short for one window, fewer windows
/// than samples.
std::vector<TextWindow> text_windows(const std::string& text, std::span<const int32_t> ids,
                                     const WindowChoice& choice);

/// "w.h5" becomes "w-0001.h5", ...: four digits, or as many as the count has.
std::filesystem::path window_path(const std::filesystem::path& output, size_t window,
                                  size_t windows);

}  // namespace dendrokv
