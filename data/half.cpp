#include "data/half.h"
