#ifndef CTK_COPENBLAS_SHIM_H
#define CTK_COPENBLAS_SHIM_H

#include <cblas.h>

#if defined(__linux__)
// Not in every build of the library.
extern int blas_thread_shutdown_(void) __attribute__((weak));
#endif

// Ends the threads that OpenBLAS starts as it is loaded, which look for work for some
// milliseconds before they sleep; it starts them again when it needs them.
static inline void ctk_openblas_end_threads(void) {
#if defined(__linux__)
  if (blas_thread_shutdown_) blas_thread_shutdown_();
#endif
}

#endif
