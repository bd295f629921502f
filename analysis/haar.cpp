#include "analysis/haar.h"
