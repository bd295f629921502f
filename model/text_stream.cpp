#include "model/text_stream.h"

#include <utility>

#include "model/tokenizer.h"
#include "model/unicode.h"

namespace dendrokv {

std::string Utf8Stream::feed(std::string_view piece) {
  held_ += piece;
  const size_t keep = unfinished_bytes(held_);
  std::string ready = held_.substr(0, held_.size() - keep);
  held_.erase(0, ready.size());
  return ready;
}

std::string Utf8Stream::flush() {
  return std::exchange(held_, {});
}

TextStream::TextStream(const Tokenizer& tokenizer, StreamStart start)
    : tokenizer_(tokenizer),
      drop_space_(start == StreamStart::OfText && tokenizer.space_prefix() == SpacePrefix::Added) {}

std::string TextStream::feed(int32_t id) {
  std::string_view piece = tokenizer_.piece(id);
  if (tokenizer_.is_special(id)) {
    drop_space_ = tokenizer_.space_prefix() == SpacePrefix::Added;
  } else if (std::exchange(drop_space_, false) && piece.starts_with(' ')) {
    piece.remove_prefix(1);
  }
  return bytes_.feed(piece);
}

std::string TextStream::flush() {
  return bytes_.flush();
}

}  // namespace dendrokv
