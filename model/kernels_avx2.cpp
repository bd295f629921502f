#include "model/kernels.h"
