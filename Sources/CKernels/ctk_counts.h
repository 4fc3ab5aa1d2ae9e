#ifndef CTK_COUNTS_H
#define CTK_COUNTS_H

#include <stddef.h>

static inline ptrdiff_t at_most(ptrdiff_t count, ptrdiff_t limit) {
  return count < limit ? count : limit;
}

#endif
