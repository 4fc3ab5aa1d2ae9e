#ifndef CTK_FETCH_H
#define CTK_FETCH_H

// Floats of a cache line.
#define CTK_LINE 16

static inline void fetch(const float *address) { __builtin_prefetch(address, 0, 3); }
static inline void fetch_to_write(const float *address) { __builtin_prefetch(address, 1, 3); }

// For later: to a cache that holds more.
static inline void fetch_early(const float *address) { __builtin_prefetch(address, 0, 2); }

#endif
