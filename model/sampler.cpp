#include "model/sampler.h"
