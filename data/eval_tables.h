#pragma once
// The tables of an eval file that not every protocol has; part of data/eval_file. Groups are as
// docs/files.md says; reading throws Error where a file is not so.

#include <cstddef>
#include <string>

#include "data/eval_file.h"
#include "data/hdf5.h"

namespace dendrokv {

/// A token's number in a text of `tokens`, or its end. Throws Error unless it is one.
uint32_t place_in(const std::string& subject, int32_t number, size_t tokens);

void write_spans(h5::File& file, const std::string& group, const SpanTable& table);
SpanTable read_spans(const h5::File& file, const std::string& group, size_t policies,
                     size_t tokens);

void write_needles(h5::File& file, const std::string& group, const NeedleTable& table);
NeedleTable read_needles(const h5::File& file, const std::string& group, size_t policies,
                         size_t tokens);

}  // namespace dendrokv
