#pragma once
// What hdf5*.cpp share: handles that close themselves, failures as Errors, types. Nothing else
// includes it.

#include <cstdint>
#include <span>
#include <string>

#include "data/hdf5.h"

namespace dendrokv::h5 {

/// Switches the library's prints off (it keeps that per thread) and plug-ins with them: a foreign
/// file must not load code. Every public function starts with it.
void quieten();

/// Throws "subject: failure: what the system said" when `result` is negative.
void need(int64_t result, const std::string& subject, const char* failure);

/// An owner of `id`, or the Error of need().
template <int (*Close)(int64_t)>
Handle own(int64_t id, const std::string& subject, const char* failure) {
  need(id, subject, failure);
  return {id, Close};
}

Handle library_type(Type type);
Type our_type(int64_t id, const std::string& subject);
Handle simple_space(std::span<const uint64_t> shape, const std::string& subject);

}  // namespace dendrokv::h5
