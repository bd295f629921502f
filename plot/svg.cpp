#include "plot/svg.h"
