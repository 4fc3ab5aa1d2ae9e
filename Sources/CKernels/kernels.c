#include "ctk_kernels.h"
