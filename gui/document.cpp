#include "gui/document.h"
