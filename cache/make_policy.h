#pragma once
// Constructors of the policies, one per file, for the table in cache/policies.cpp. Each reads the
// options that its row declares; the spec is checked and complete (a budget has become rows) before
// a constructor sees it.

#include <memory>

#include "cache/policy.h"

namespace dendrokv {

std::unique_ptr<Policy> make_full(const Spec& spec);
std::unique_ptr<Policy> make_sliding(const Spec& spec);
std::unique_ptr<Policy> make_streaming(const Spec& spec);
std::unique_ptr<Policy> make_treekv(const Spec& spec);

}  // namespace dendrokv
