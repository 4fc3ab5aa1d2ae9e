// A program's view of ctkpatch.h, written in C.
#ifndef CTKPATCH_CALLER_H
#define CTKPATCH_CALLER_H

#include "ctkpatch.h"

// A tensor as both models have it; data is NULL where a model has none.
typedef struct {
  ctkpatch_tensor before;
  ctkpatch_tensor after;
} caller_pair;

// Uses every function on a patch between two models. The memory of `pairs` is written to
// and restored. Returns NULL, or what was not as it should be.
const char *caller_check(const char *patch_path, const caller_pair *pairs, size_t count);

#endif
