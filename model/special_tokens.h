#pragma once
// Cuts the special tokens out of a text: wherever the text of one stands, the longest first, the
// leftmost among equals.

#include <bitset>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace dendrokv {

/// Whether control tokens written out in the text become their ids or are read as plain characters.
/// User-defined tokens are recognised either way.
enum class SpecialTokens : uint8_t { AsText, Parse };

/// Text between two special tokens, or one of them.
struct Fragment {
  std::string_view text;  // into the text that was cut; empty for a token
  int32_t id = -1;        // of the special token, else -1
};

class SpecialTokenCutter {
 public:
  enum class Recognised : uint8_t { Always, WhenParsing };

  /// Texts are not empty and added once.
  void add(const std::string& text, int32_t id, Recognised recognised);
  /// Appends the fragments of `text` in order; none is empty. Each length of special token looks at
  /// a byte once.
  void cut(std::string_view text, SpecialTokens special, std::vector<Fragment>& fragments) const;

 private:
  // A view is looked up without a copy.
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  struct Entry {
    int32_t id;
    Recognised recognised;
  };
  // The tokens of one length. `starts` tells most places where none can begin, by the first two
  // bytes.
  struct OfLength {
    size_t length = 0;
    std::bitset<1024> starts;
    std::unordered_map<std::string, Entry, TextHash, std::equal_to<>> entries;
  };
  struct Match {
    size_t at = std::string_view::npos;
    int32_t id = -1;
  };

  static size_t start_of(std::string_view text);
  static Match find(const OfLength& tokens, std::string_view text, SpecialTokens special);
  void cut_from(size_t group, std::string_view text, SpecialTokens special,
                std::vector<Fragment>& fragments) const;

  std::vector<OfLength> groups_;  // longest first
};

}  // namespace dendrokv
