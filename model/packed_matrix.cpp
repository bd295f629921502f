#include "model/packed_matrix.h"
