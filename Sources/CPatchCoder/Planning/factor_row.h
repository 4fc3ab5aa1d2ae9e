// Sums over the coded units of one row, given a number for each column.
#ifndef FACTOR_ROW_H
#define FACTOR_ROW_H

#include <stdint.h>

#include "strands.h"

// The units of one row; their columns are distinct.
typedef struct {
  uint32_t count;
  float *rest;
  const uint32_t *column;
} row_units;

// What is summed over a row's units.
typedef struct {
  float first[STRANDS];
  float second[STRANDS];
  uint64_t octaves[STRANDS];
  uint32_t used[STRANDS];
} factor_sums;

// First sums: products with the columns' numbers; second: the numbers' squares.
void factor_sum_row(const row_units *units, const float *numbers, factor_sums *sums);

// Adds products with the row's number, and its square, to each unit's column.
void factor_add_to_columns(const row_units *units, float number, float *sums, float *weights);

// First sums: the squares of what the row's product takes away; the others: binary
// logarithms, times 2^23 and with 127 more, of what it leaves, and how many there are.
void factor_measure_row(const row_units *units, const float *numbers, float factor,
                        factor_sums *sums);

// Adds the row's product to its units.
void factor_add_to_row(const row_units *units, const float *numbers, float factor);

#endif
