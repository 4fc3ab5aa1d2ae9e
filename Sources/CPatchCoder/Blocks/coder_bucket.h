// Numbers as a bucket and raw bits (formats/context.md section 5).
#ifndef CODER_BUCKET_H
#define CODER_BUCKET_H

#include <stdint.h>

// Buckets 0 to 3 hold one number each; every octave from 4 on has four.
#define BUCKET_LIMIT 252

static inline unsigned bit_length(uint64_t value) {
  return value == 0 ? 0 : 64 - (unsigned)__builtin_clzll(value);
}

static inline unsigned bucket_of(uint64_t value) {
  if (value < 4) return (unsigned)value;
  unsigned octave = bit_length(value) - 1;
  return 4 * (octave - 1) + (unsigned)(value >> (octave - 2) & 3);
}

static inline unsigned bucket_bits(unsigned bucket) { return bucket < 8 ? 0 : bucket / 4 - 1; }

static inline uint64_t bucket_first(unsigned bucket) {
  return bucket < 4 ? bucket : (uint64_t)(4 + bucket % 4) << (bucket / 4 - 1);
}

static inline uint64_t zigzag(int64_t value) {
  return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

static inline int64_t from_zigzag(uint64_t value) {
  return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

#endif
