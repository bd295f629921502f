#include "data/hdf5.h"
