#include "model/thread_pool.h"
