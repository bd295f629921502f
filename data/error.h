#pragma once
// The one exception of the project, and assertions on our own mistakes.
//
// An Error is a single line "subject: found, wanted, remedy". Lower-case start, no full stop. The
// subject names the thing (file, dataset, tensor, option), `found` says what was met, `wanted` what
// was needed, `remedy` what the reader can do. Libraries throw it and never print; cli/main.cpp,
// the viewer's worker and the tests catch it.

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace dendrokv {

class Error : public std::runtime_error {
 public:
  Error(std::string subject, std::string found, std::string wanted = {}, std::string remedy = {});

  const std::string& subject() const { return subject_; }
  const std::string& found() const { return found_; }
  const std::string& wanted() const { return wanted_; }
  const std::string& remedy() const { return remedy_; }

 private:
  std::string subject_, found_, wanted_, remedy_;
};

[[noreturn]] void fail(std::string subject, std::string found, std::string wanted = {},
                       std::string remedy = {});

/// At most three of `known`, nearest to `name` by edit distance first.
std::vector<std::string> nearest_names(std::string_view name,
                                       std::span<const std::string_view> known);

/// "did you mean a, b or c"; for the remedy of an unknown name.
std::string did_you_mean(std::string_view name, std::span<const std::string_view> known);

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace dendrokv

/// A broken invariant of our own code, never a user's mistake. Stays on in release outside of
/// kernels.
#define DENDROKV_ASSERT(expression) \
  ((expression) ? void() : ::dendrokv::assertion_failed(#expression, __FILE__, __LINE__))
