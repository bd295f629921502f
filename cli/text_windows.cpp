#include "cli/text_windows.h"

#include <algorithm>
#include <numeric>

#include "analysis/random.h"
#include "data/error.h"

namespace dendrokv {
namespace {

constexpr size_t kDigits = 4;

}  // namespace

std::vector<TextWindow> text_windows(const std::string& text, std::span<const int32_t> ids,
                                     const WindowChoice& choice) {
  const size_t in_front = choice.first_token ? 1 : 0, own = choice.tokens - in_front;
  const size_t count = (ids.size() - in_front) / own;
  if (count == 0)
    fail(text, std::to_string(ids.size()) + " tokens",
         "wanted at least one window of " + std::to_string(choice.tokens),
         "take shorter windows or a longer text");
  std::vector<size_t> chosen(count);
  std::iota(chosen.begin(), chosen.end(), size_t{0});
  if (choice.samples) {
    if (*choice.samples > count)
      fail(text, std::to_string(count) + " windows of " + std::to_string(choice.tokens) + " tokens",
           "wanted " + std::to_string(*choice.samples) + " samples",
           "take a longer text or fewer samples");
    RandomStream(choice.seed, 0).shuffle(std::span(chosen));
    chosen.resize(*choice.samples);
    std::ranges::sort(chosen);
  }
  std::vector<TextWindow> windows;
  for (const size_t window : chosen) {
    const size_t first = in_front + window * own;
    TextWindow made{first, {}};
    if (choice.first_token) made.ids.push_back(*choice.first_token);
    made.ids.insert(made.ids.end(), ids.begin() + static_cast<std::ptrdiff_t>(first),
                    ids.begin() + static_cast<std::ptrdiff_t>(first + own));
    windows.push_back(std::move(made));
  }
  return windows;
}

std::filesystem::path window_path(const std::filesystem::path& output, size_t window,
                                  size_t windows) {
  std::string number = std::to_string(window + 1);
  const size_t digits = std::max(kDigits, std::to_string(windows).size());
  number.insert(0, digits - number.size(), '0');
  std::filesystem::path path = output;
  path.replace_filename(output.stem().string() + "-" + number + output.extension().string());
  return path;
}

}  // namespace dendrokv
