#include "model/recorder.h"
