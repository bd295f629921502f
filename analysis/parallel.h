#pragma once
// A loop over independent pieces on several threads, started for the loop and joined at its end.
// What a piece computes must not depend on who computes it; then results do not depend on the
// number of threads.

#include <cstddef>
#include <functional>

namespace dendrokv {

/// body(piece) once for each of `pieces`. The first exception of a body is rethrown after all have
/// ended.
void for_each_piece(size_t pieces, unsigned threads, const std::function<void(size_t piece)>& body);

}  // namespace dendrokv
