// What blocks are made of (formats/context.md section 3).
#ifndef CODER_BLOCK_H
#define CODER_BLOCK_H

#include "coder_bucket.h"
#include "coder_table.h"
#include "ctk_patch_coder.h"

enum index_form {
  INDEX_ALL = 0,
  INDEX_GAPS = 1,
  INDEX_GRID = 2,
  INDEX_MASK = 3,
  INDEX_DENSITY = 4,
};
enum value_form {
  VALUES_NONE = 0,
  VALUES_ORDERED = 1,
  VALUES_TOP = 2,
  VALUES_REAL = 3,
  VALUES_STEPS = 4,
  VALUES_SHORT = 5,
  VALUES_SHARED = 6,
};

#define MOST_LANES_LOG 8
#define MOST_CLASSES 127
#define MOST_FACTORS 16
// Numbers of all factors of a block, so that few bytes cannot ask for much memory.
#define MOST_FACTOR_NUMBERS ((uint32_t)1 << 21)
// Products of factors are multiplied by 2^16 and then shifted right.
#define FACTOR_POINT 16
#define MOST_FACTOR_SHIFT 47
// Tables for values, and classes of lines that choose among them.
#define MOST_CONTEXTS 16
#define MOST_SCALES 32
#define MOST_CELL_BITS 30
#define MOST_GRID 254
#define MOST_UNITS ((uint32_t)1 << 22)

// Buckets of gaps, of factors (below 2^15 either way) and of real values.
#define GAP_BUCKETS 84
#define FACTOR_BUCKETS 60
#define REAL_BUCKETS 128
#define REAL_ESCAPE REAL_BUCKETS

// The units of a block as a grid.
typedef struct {
  uint32_t width;
  // Column of the first unit.
  uint32_t phase;
  uint32_t rows;
} block_grid;

static inline block_grid grid_of(const ctk_coder_run *run, uint32_t width) {
  block_grid grid;
  grid.width = width;
  grid.phase = (uint32_t)(run->first % width);
  grid.rows = (grid.phase + run->units - 1) / width + 1;
  return grid;
}

// Factors that the lines of a grid may have, at most `limit`.
static inline unsigned most_factors(const block_grid *grid, unsigned limit) {
  uint64_t factors = MOST_FACTOR_NUMBERS / ((uint64_t)grid->rows + grid->width);
  return factors < limit ? (unsigned)factors : limit;
}

// The table that a value of a line pair is coded with.
static inline unsigned context_of(unsigned row_scale, unsigned column_scale, unsigned offset,
                                  unsigned contexts) {
  unsigned sum = row_scale + column_scale;
  unsigned context = sum < offset ? 0 : sum - offset;
  return context < contexts ? context : contexts - 1;
}

// Real numbers as integers, in units of 2^(grid - 149) (formats/context.md section 9.3).

static inline float float_of_bits(uint32_t bits) {
  float value;
  __builtin_memcpy(&value, &bits, 4);
  return value;
}

static inline uint32_t bits_of_float(float value) {
  uint32_t bits;
  __builtin_memcpy(&bits, &value, 4);
  return bits;
}

// Bits below which a number of 24 significant bits has none, at most.
static inline unsigned lowest_bit(int64_t number, unsigned cell_bits) {
  unsigned length = bit_length((uint64_t)(number ^ (number >> 63)));
  return length <= cell_bits || length <= 24 ? 0 : length - 24;
}

// The product of two factors, in cells.
static inline int64_t factor_product(int32_t row, int32_t column, unsigned shift) {
  int64_t product = (int64_t)row * column * ((int64_t)1 << FACTOR_POINT);
  return (product + ((int64_t)1 << shift >> 1)) >> shift;
}

static inline unsigned smaller(unsigned a, unsigned b) { return a < b ? a : b; }

static inline uint32_t reversed_bits(uint32_t value, unsigned count) {
  uint32_t x = value;
  x = (x >> 1 & 0x55555555u) | (x & 0x55555555u) << 1;
  x = (x >> 2 & 0x33333333u) | (x & 0x33333333u) << 2;
  x = (x >> 4 & 0x0f0f0f0fu) | (x & 0x0f0f0f0fu) << 4;
  x = (x >> 8 & 0x00ff00ffu) | (x & 0x00ff00ffu) << 8;
  x = x >> 16 | x << 16;
  return count == 0 ? 0 : x >> (32 - count);
}

// Floats in order as integers, and back (formats/patch.md section 5.2).
static inline uint32_t ordered_f32(uint32_t bits) {
  return bits ^ ((0 - (bits >> 31)) | 0x80000000u);
}

static inline uint32_t bits_of_ordered_f32(uint32_t ordered) {
  return ordered ^ (((ordered >> 31) - 1) | 0x80000000u);
}

static inline uint64_t load_word(const void *words, size_t i, unsigned bytes) {
  switch (bytes) {
    case 1: return ((const uint8_t *)words)[i];
    case 2: return ((const uint16_t *)words)[i];
    case 4: return ((const uint32_t *)words)[i];
    default: return ((const uint64_t *)words)[i];
  }
}

static inline void store_word(void *words, size_t i, unsigned bytes, uint64_t value) {
  switch (bytes) {
    case 1: ((uint8_t *)words)[i] = (uint8_t)value; break;
    case 2: ((uint16_t *)words)[i] = (uint16_t)value; break;
    case 4: ((uint32_t *)words)[i] = (uint32_t)value; break;
    default: ((uint64_t *)words)[i] = value; break;
  }
}

// The zigzag of a difference of `bytes` bytes, and back (formats/patch.md section 5.3).
static inline uint64_t zigzag_word(uint64_t difference, unsigned bytes) {
  unsigned bits = 8 * bytes;
  uint64_t mask = UINT64_MAX >> (64 - bits);
  uint64_t sign = 0 - (difference >> (bits - 1) & 1);
  return ((difference << 1) ^ sign) & mask;
}

static inline uint64_t word_of_zigzag(uint64_t zigzag) { return zigzag >> 1 ^ (0 - (zigzag & 1)); }

#endif
