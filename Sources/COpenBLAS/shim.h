#ifndef CTK_COPENBLAS_SHIM_H
#define CTK_COPENBLAS_SHIM_H

#include <cblas.h>

#endif
