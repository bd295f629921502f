#include "data/analysis_file.h"
