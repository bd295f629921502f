#include "model/unicode.h"
