#include "data/trace_writer.h"
