// Cells of changes, which both forms of real values begin with.
#ifndef DECODER_CELLS_H
#define DECODER_CELLS_H

#include "decoder_lanes.h"

// What one step reads of its items before their last bits: a bucket, and a number or,
// of an escape, the lower half of one.
typedef struct {
  unsigned bucket[RANS_MOST_LANES];
  uint64_t number[RANS_MOST_LANES];
} step_cells;

static inline void take_cells(rans_decoder *decoder, const value_context *values,
                              uint32_t first, uint32_t step, step_cells *cells) {
  for (uint32_t lane = 0; lane < step; lane++) {
    cells->bucket[lane] =
        take_symbol(decoder, lane, table_for(values->head, values->lines, first + lane));
  }
  for (uint32_t lane = 0; lane < step; lane++) {
    if (cells->bucket[lane] == REAL_ESCAPE) {
      cells->number[lane] = rans_take_bits(decoder, lane, 16);
      continue;
    }
    unsigned bits = bucket_bits(cells->bucket[lane]);
    cells->number[lane] = bucket_first(cells->bucket[lane]);
    if (bits > 0) cells->number[lane] += rans_take_bits(decoder, lane, bits);
  }
}

// The difference of an escape, whose upper half is read.
static inline uint32_t take_escape(rans_decoder *decoder, unsigned lane, uint64_t lower) {
  return (uint32_t)word_of_zigzag(lower | (uint64_t)rans_take_bits(decoder, lane, 16) << 16);
}

// What is predicted for a unit, in cells.
static inline int64_t predicted(const value_context *values, uint32_t position) {
  unsigned factors = values->head->factors;
  if (factors == 0) return 0;
  const decoder_lines *lines = values->lines;
  uint32_t place = lines->grid.phase + position;
  uint32_t row = place / lines->grid.width;
  size_t column = (size_t)lines->grid.rows + place - row * lines->grid.width;
  const int32_t *u = lines->factors + (size_t)row * factors;
  const int32_t *v = lines->factors + column * factors;
  int64_t sum = 0;
  for (unsigned k = 0; k < factors; k++) {
    sum += factor_product(u[k], v[k], values->head->factor_shift[k]);
  }
  return sum;
}

#endif
