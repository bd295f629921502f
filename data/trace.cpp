#include "data/trace.h"
