// The log-odds of a grid's places, fitted to those that hold coded units.
#ifndef DENSITY_FIT_H
#define DENSITY_FIT_H

#include "encoder_plan.h"

// A sum of a number per row, one per column and products of such. Lines are those that
// hold coded units, in ascending order.
typedef struct {
  uint32_t rows;
  uint32_t columns;
  // Columns in memory; those beyond `columns` stay unset and improbable.
  uint32_t stride;
  // Of each place: whether it is set, and the sum of all finished products.
  uint8_t *set;
  float *finished;
  // Of each line: its own number, and its factor of the product in the making.
  float *row_offset;
  float *row_factor;
  float *column_offset;
  float *column_factor;
  // Five sums for each column.
  float *sums;
  // Means over the lines of the second derivatives at the last sweep: of the factors
  // where these were fitted, of the offsets otherwise.
  double row_curvature;
  double column_curvature;
} density_fit;

// Which numbers a sweep improves.
enum density_part { DENSITY_OFFSETS, DENSITY_FACTORS };

// Bytes that a fit of these lines takes.
size_t density_fit_bytes(const block_lines *lines);

// Starts with offsets that fit the counts of each line. `memory` has as many bytes as
// density_fit_bytes says, and is aligned for floats.
void density_begin(density_fit *fit, const block_lines *lines, void *memory);

// Newton steps for all rows and then all columns.
void density_sweep(density_fit *fit, enum density_part part);

// Begins another product with the row that fits worst.
void density_start_product(density_fit *fit);

// Adds the product in the making to the finished ones; none is in the making then.
void density_finish_product(density_fit *fit);

// Makes a finished product, whose factors are the fit's again, the one in the making.
void density_reopen_product(density_fit *fit);

// Bits of all places with the product in the making.
double density_bits(const density_fit *fit);

#endif
