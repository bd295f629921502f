#include "data/runs_file.h"
