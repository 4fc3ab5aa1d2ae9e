#include "ctkpatch.h"
