#include "data/identity.h"
