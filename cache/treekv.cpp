#include "cache/policies.h"
