// The last bits of both sides of changes, told once (formats/context.md section 9.5).
#ifndef CODER_SHARED_H
#define CODER_SHARED_H

#include <stddef.h>

#include "coder_block.h"
#include "coder_rans.h"

// Bits of a number below its cell that are 0 for want of significant bits.
static inline unsigned lowest_of_cell(int64_t cell, unsigned cell_bits) {
  unsigned length = bit_length((uint64_t)(cell ^ (cell >> 63)));
  if (length == 0 || length + cell_bits <= 24) return 0;
  return smaller(cell_bits, length + cell_bits - 24);
}

static inline uint32_t low_mask(unsigned count) { return ((uint32_t)1 << count) - 1; }

// A string of bits; for `count` changes it has at most MOST_CELL_BITS bits each.
static inline size_t shared_words(uint32_t count) {
  return ((size_t)count * MOST_CELL_BITS + 63) / 64 + 1;
}

// Flips the bits of `value` in the string from bit `at` on.
static inline void flip_bits(uint64_t *words, size_t at, uint32_t value) {
  unsigned shift = at & 63;
  words[at >> 6] ^= (uint64_t)value << shift;
  words[(at >> 6) + 1] ^= (uint64_t)value >> 1 >> (63 - shift);
}

// At most MOST_CELL_BITS bits of the string.
static inline uint32_t bits_at(const uint64_t *words, size_t at, unsigned count) {
  unsigned shift = at & 63;
  uint64_t bits = words[at >> 6] >> shift | words[(at >> 6) + 1] << 1 << (63 - shift);
  return (uint32_t)bits & low_mask(count);
}

// Strings are coded in pieces.
static inline uint32_t shared_pieces(size_t bits) {
  return (uint32_t)((bits + RANS_PIECE_BITS - 1) / RANS_PIECE_BITS);
}

static inline unsigned shared_piece_bits(size_t bits, uint32_t piece) {
  size_t left = bits - (size_t)piece * RANS_PIECE_BITS;
  return left < RANS_PIECE_BITS ? (unsigned)left : RANS_PIECE_BITS;
}

#endif
