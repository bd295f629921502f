#include "cache/replay.h"
