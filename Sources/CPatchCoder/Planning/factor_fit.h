// One number for each row and each column, whose products predict the changes of a block.
#ifndef FACTOR_FIT_H
#define FACTOR_FIT_H

#include "encoder_plan.h"

// Coded units, row by row.
typedef struct {
  uint32_t count;
  // What is left to be predicted; 0 where a unit is no plain number.
  float *rest;
  const uint32_t *column;
  // Where each active row's units end.
  uint32_t *row_end;
} factor_units;

typedef struct {
  const block_lines *lines;
  factor_units all;
  // Some of them, for the fit to look at.
  factor_units sample;
  // One number for each line of the grid.
  float *row;
  float *column;
  // Two sums for each column, and how many units it holds.
  float *sums;
  float *weights;
  uint32_t *column_units;
} factor_fit;

// What a product leaves of the rest.
typedef struct {
  // Mean of the binary logarithms, good to a tenth.
  double octaves;
  // Sum of the squares of what it takes away.
  double signal;
} factor_effect;

size_t factor_fit_bytes(const block_lines *lines);

// `rest` has a number for each coded unit; `memory` as many bytes as factor_fit_bytes
// says, aligned for floats.
void factor_begin(factor_fit *fit, const block_lines *lines, float *rest, void *memory);

// Begins a product with the row that holds most, or the next after `skipped` of them.
void factor_start(factor_fit *fit, unsigned skipped);

// Least squares for the rows, and then for the columns.
void factor_sweep(factor_fit *fit);

factor_effect factor_measure(const factor_fit *fit);

// Adds `sign` times the product to the rest.
void factor_add(factor_fit *fit, float sign);

#endif
