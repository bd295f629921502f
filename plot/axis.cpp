#include "plot/axis.h"
