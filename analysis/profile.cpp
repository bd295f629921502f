#include "analysis/profile.h"
