#include "model/kv_cache.h"
