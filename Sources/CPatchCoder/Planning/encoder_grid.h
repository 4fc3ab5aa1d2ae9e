// Floats of both sides as numbers, for encoders.
#ifndef ENCODER_GRID_H
#define ENCODER_GRID_H

#include <math.h>
#include <string.h>

#include "encoder_plan.h"

// Changes beyond this are not modelled.
#define LARGEST_CHANGE 0x1p100

static inline uint32_t float_bits_at(const uint8_t *bytes, uint64_t unit) {
  uint32_t bits;
  memcpy(&bits, bytes + 4 * unit, 4);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  bits = __builtin_bswap32(bits);
#endif
  return bits;
}

typedef struct {
  uint32_t before;
  uint32_t after;
} float_pair;

static inline float_pair pair_at(const ctk_encoder_input *input, uint32_t item) {
  uint32_t position = input->positions == NULL ? item : input->positions[item];
  uint32_t before = float_bits_at(input->source, position);
  uint32_t difference = ((const uint32_t *)input->differences)[item];
  return (float_pair){before, bits_of_ordered_f32(ordered_f32(before) + difference)};
}

// Exponents, of 2^-149, of the lowest and the bit above the highest set bit seen.
typedef struct {
  int lowest;
  int highest;
} bit_range;

static inline void widen(bit_range *range, uint32_t bits) {
  uint32_t exponent = bits >> 23 & 255, mantissa = bits & 0x7fffffu;
  if (exponent == 255 || (bits & 0x7fffffffu) == 0) return;
  if (exponent > 0) mantissa |= 0x800000u;
  int shift = exponent > 0 ? (int)exponent - 1 : 0;
  int low = shift + __builtin_ctz(mantissa), high = shift + (int)bit_length(mantissa);
  if (low < range->lowest) range->lowest = low;
  if (high > range->highest) range->highest = high;
}

static inline int is_plain(uint32_t bits) {
  return (bits >> 23 & 255) != 255 && bits != 0x80000000u;
}

// The number as an integer of the grid; returns 0 when it is none.
static inline int to_grid(uint32_t bits, double scale, int64_t *number) {
  double scaled = (double)float_of_bits(bits) * scale;
  if (!(fabs(scaled) < 0x1p53) || bits == 0x80000000u) return 0;
  *number = (int64_t)scaled;
  return (double)*number == scaled;
}

#endif
