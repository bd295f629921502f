#include "model/mapped_file.h"
