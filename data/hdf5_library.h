#pragma once
// What hdf5*.cpp share: the library's header, handles that close themselves, failures as Errors. Nothing else includes it.

#include <cstdint>
#include <hdf5.h>
#include <span>
#include <string>

#include "data/hdf5.h"

namespace dendrokv::h5 {

static_assert(sizeof(hid_t) == sizeof(int64_t));

/// Switches the library's prints off (it keeps that per thread) and plug-ins with them: a foreign file must not load code.
/// Every public function starts with it.
void quieten();

/// Throws "subject: failure: what the system said" when `result` is negative.
void need(int64_t result, const std::string& subject, const char* failure);

template <herr_t (*Close)(hid_t)>
Handle own(hid_t id, const std::string& subject, const char* failure) {
  need(id, subject, failure);
  return {id, [](int64_t handle) -> int { return Close(handle); }};
}

Handle library_type(Type type);
Type our_type(hid_t id, const std::string& subject);
Handle simple_space(std::span<const uint64_t> shape, const std::string& subject);

}  // namespace dendrokv::h5
