#include "factor_row.h"

#include "coder_block.h"
#include "coder_vectors.h"

#pragma STDC FP_CONTRACT OFF

// Products with the columns' numbers, and their squares.
static inline void sum_unit(const row_units *units, const float *numbers, uint32_t i,
                            unsigned strand, factor_sums *sums) {
  float number = numbers[units->column[i]];
  sums->first[strand] += units->rest[i] * number;
  sums->second[strand] += number * number;
}

FOR_ALL_VECTORS
void factor_sum_row(const row_units *units, const float *numbers, factor_sums *sums) {
  uint32_t i = 0;
  for (; i + STRANDS <= units->count; i += STRANDS) {
    for (unsigned strand = 0; strand < STRANDS; strand++) {
      sum_unit(units, numbers, i + strand, strand, sums);
    }
  }
  for (unsigned strand = 0; i < units->count; i++, strand++) {
    sum_unit(units, numbers, i, strand, sums);
  }
}

// Columns of a row's units are distinct.
FOR_ALL_VECTORS
void factor_add_to_columns(const row_units *units, float number, float *restrict sums,
                           float *restrict weights) {
  float square = number * number;
#pragma clang loop vectorize(assume_safety)
  for (uint32_t i = 0; i < units->count; i++) {
    sums[units->column[i]] += units->rest[i] * number;
    weights[units->column[i]] += square;
  }
}

static inline float with_product(float rest, float product) {
  return rest == 0 ? 0 : rest + product;
}

// What the product leaves of a unit. A float's bits are its binary logarithm, nearly.
static inline void measure_unit(const row_units *units, const float *numbers, float factor,
                                uint32_t i, unsigned strand, factor_sums *sums) {
  float product = factor * numbers[units->column[i]], rest = units->rest[i];
  uint32_t bits = bits_of_float(with_product(rest, -product)) & 0x7fffffffu;
  sums->first[strand] += rest == 0 ? 0 : product * product;
  sums->octaves[strand] += bits;
  sums->used[strand] += bits != 0;
}

FOR_ALL_VECTORS
void factor_measure_row(const row_units *units, const float *numbers, float factor,
                        factor_sums *sums) {
  uint32_t i = 0;
  for (; i + STRANDS <= units->count; i += STRANDS) {
    for (unsigned strand = 0; strand < STRANDS; strand++) {
      measure_unit(units, numbers, factor, i + strand, strand, sums);
    }
  }
  for (unsigned strand = 0; i < units->count; i++, strand++) {
    measure_unit(units, numbers, factor, i, strand, sums);
  }
}

FOR_ALL_VECTORS
void factor_add_to_row(const row_units *units, const float *restrict numbers, float factor) {
  float *restrict rest = units->rest;
  const uint32_t *restrict column = units->column;
  uint32_t count = units->count;
  for (uint32_t i = 0; i < count; i++) {
    rest[i] = with_product(rest[i], factor * numbers[column[i]]);
  }
}
