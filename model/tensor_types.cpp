#include "model/tensor_types.h"
