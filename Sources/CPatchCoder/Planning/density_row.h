// Sums over the places of one row, given the log-odds of each.
#ifndef DENSITY_ROW_H
#define DENSITY_ROW_H

#include <stdint.h>

// Gradient and curvature of offset and factor, and what couples the two.
enum { OFFSET_GRADIENT, OFFSET_CURVATURE, FACTOR_GRADIENT, FACTOR_CURVATURE, COUPLING, SUMS };

// One row of places, padded to whole strands.
typedef struct {
  const uint8_t *set;
  const float *finished;
  const float *column_offset;
  const float *column_factor;
  float offset;
  float factor;
  uint32_t stride;
} place_row;

// The sums of the row.
void density_sum_row(const place_row *row, float *sums);

// Adds each place to the sums of its column; sum k begins at k times the stride.
void density_add_to_columns(const place_row *row, float *sums);

// Bits of the row's decisions.
float density_row_bits(const place_row *row);

// Sum of the squares of what the row's probabilities leave, which is filled in.
float density_row_misfit(const place_row *row, float *rest);

#endif
