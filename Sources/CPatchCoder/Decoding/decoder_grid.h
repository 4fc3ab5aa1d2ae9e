// Floats as integers of a grid, in units of 2^(grid - 149).
#ifndef DECODER_GRID_H
#define DECODER_GRID_H

#include "coder_block.h"

typedef struct {
  // What a float is multiplied with to be an integer, and what an integer is to be one.
  double scale;
  double unit;
} number_grid;

static inline double power_of_two(int exponent) {
  double value = 1;
  for (; exponent > 0; exponent--) value *= 2;
  for (; exponent < 0; exponent++) value /= 2;
  return value;
}

static inline number_grid number_grid_of(unsigned grid) {
  return (number_grid){power_of_two(149 - (int)grid), power_of_two((int)grid - 149)};
}

// The float as an integer; any number when it is none.
static inline int64_t grid_number(const number_grid *grid, uint32_t bits) {
  double number = (double)float_of_bits(bits) * grid->scale;
  if (!(number > -0x1p53 && number < 0x1p53)) return 0;
  return (int64_t)number;
}

// The float of an integer; clears *is_exact when there is none.
static inline uint32_t float_of_number(const number_grid *grid, int64_t number, int *is_exact) {
  double value = (double)number * grid->unit;
  float result = (float)value;
  if ((double)result != value || !(value > -0x1p53 * grid->unit) ||
      !(value < 0x1p53 * grid->unit)) {
    *is_exact = 0;
  }
  return bits_of_float(result);
}

// The difference from the base to the target, of which one is the float at hand and the
// other the float of an integer; clears *is_exact when there is none.
static inline uint32_t grid_difference(const number_grid *grid, uint32_t source, int is_target,
                                       int64_t number, int *is_exact) {
  uint32_t origin = ordered_f32(source);
  uint32_t result = ordered_f32(float_of_number(grid, number, is_exact));
  return is_target ? origin - result : result - origin;
}

#endif
