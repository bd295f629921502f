#include "cache/slot_table.h"
