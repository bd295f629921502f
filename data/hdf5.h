#pragma once
// HDF5 C library, each call wrapped once; the only place that includes hdf5.h is hdf5.cpp.
