// Changes of few bits that can be undone (formats/context.md section 9.4).
//
// All numbers are integers of the block's grid. The target is the sum of base and change,
// truncated to the 24 bits that a float has; the base is one of the few floats that the
// target can come from, and raw bits tell which.
#ifndef CODER_ROUNDING_H
#define CODER_ROUNDING_H

#include "coder_block.h"

// Step codes: a step is (4 + code mod 4) * 2^(code div 4).
#define STEP_CODES 204
// Short changes: 7 bits behind the leading one, in two parts: a symbol and raw bits.
#define SHORT_BITS 7
#define SHORT_LOW_BITS 6
#define SHORT_SYMBOLS 184
#define SHORT_ESCAPE SHORT_SYMBOLS
#define MOST_LOST_BITS 30

static inline int64_t step_of_code(unsigned code) {
  return (int64_t)(4 + code % 4) << code / 4;
}

// The change of number `number` (a zigzag) in a row of this step.
static inline int64_t stepped_change(uint64_t number, int64_t step) {
  return (int64_t)((uint64_t)(2 * from_zigzag(number) + 1) * (uint64_t)step);
}

// The change of a short number: twice the magnitude's code, plus 1 for negative ones.
static inline int64_t short_change(uint64_t number) {
  uint64_t code = number >> 1;
  uint64_t octave = code >> SHORT_BITS;
  uint64_t magnitude = code;
  if (octave > 0) {
    uint64_t mantissa = code & ((1u << SHORT_BITS) - 1);
    magnitude = (((uint64_t)1 << SHORT_BITS) + mantissa) << (octave - 1);
  }
  return number & 1 ? -(int64_t)magnitude : (int64_t)magnitude;
}

// The number of the short change nearest to a change below 2^53 in magnitude.
static inline uint64_t short_number(int64_t change) {
  uint64_t magnitude = change < 0 ? 0 - (uint64_t)change : (uint64_t)change;
  uint64_t code = magnitude;
  unsigned length = bit_length(magnitude);
  if (length > SHORT_BITS + 1) {
    unsigned shift = length - SHORT_BITS - 1;
    // 256 rolls over into the next octave.
    uint64_t rounded = (magnitude + ((uint64_t)1 << shift >> 1)) >> shift;
    code = ((uint64_t)shift << SHORT_BITS) + rounded;
  }
  return code << 1 | (change < 0);
}

static inline int64_t sum_of(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }
static inline int64_t difference_of(int64_t a, int64_t b) {
  return (int64_t)((uint64_t)a - (uint64_t)b);
}

// The float at or below a number.
static inline int64_t truncated(int64_t number) {
  return (int64_t)((uint64_t)number & (UINT64_MAX << lowest_bit(number, 0)));
}

// The floats that a target can come from: `first` and those that follow it in steps of
// 2^shift, 2^bits of them.
typedef struct {
  int64_t first;
  unsigned shift;
  unsigned bits;
} origin_range;

static inline origin_range origins_of(int64_t target, int64_t change) {
  unsigned lost = lowest_bit(target, 0);
  int64_t lowest = difference_of(target, change);
  int64_t highest = sum_of(lowest, ((int64_t)1 << lost) - 1);
  unsigned shift = smaller(lowest_bit(lowest, 0), lowest_bit(highest, 0));
  uint64_t unit = (uint64_t)1 << shift;
  origin_range range;
  range.first = (int64_t)(((uint64_t)lowest + unit - 1) & ~(unit - 1));
  range.shift = shift;
  range.bits = lost > shift ? smaller(lost - shift, MOST_LOST_BITS) : 0;
  return range;
}

#endif
