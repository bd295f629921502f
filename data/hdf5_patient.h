#pragma once
// A file driver for reading what a plain one refuses: files that are being written, that a writer
// left behind, or whose end is missing. The mark "open for writing" is not seen, the length is not
// checked; what lies behind the end cannot be read, and whoever asks for it hears so. Nothing is
// ever written.

#include <string>

#include "data/hdf5_library.h"

namespace dendrokv::h5 {

/// Makes `access` open files through the driver.
void use_patient_driver(const Handle& access, const std::string& subject);

}  // namespace dendrokv::h5
