#include "data/retention.h"
