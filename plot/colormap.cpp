#include "plot/colormap.h"
