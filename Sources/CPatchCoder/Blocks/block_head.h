// The part of a block before its coded words.
#ifndef BLOCK_HEAD_H
#define BLOCK_HEAD_H

#include "coder_block.h"
#include "coder_density.h"

typedef struct {
  unsigned index_form;
  unsigned value_form;
  unsigned lanes;
  uint32_t width;
  uint32_t count;

  // INDEX_GAPS
  decoder_table gaps;
  // INDEX_GRID and INDEX_DENSITY
  decoder_table row_classes;
  decoder_table column_classes;
  uint32_t level_probability[LEVEL_LIMIT];
  // INDEX_DENSITY
  density_shape density;
  decoder_table density_rows;
  decoder_table density_columns;

  // All value forms
  unsigned contexts;
  unsigned context_offset;
  decoder_table row_scales;
  decoder_table column_scales;
  decoder_table values[MOST_CONTEXTS];
  // VALUES_REAL, VALUES_STEPS, VALUES_SHORT and VALUES_SHARED
  unsigned grid;
  // VALUES_STEPS
  decoder_table row_steps;
  // VALUES_REAL and VALUES_SHARED
  unsigned cell_bits;
  unsigned factors;
  unsigned factor_shift[MOST_FACTORS];
  decoder_table row_factors;
  decoder_table column_factors;

  size_t index_header_bytes;
  size_t value_header_bytes;
  // Where the lanes' states begin.
  const uint8_t *states;
} block_head;

// Whether values are coded against the units of one side.
static inline int needs_source(const block_head *head) {
  return head->value_form >= VALUES_REAL;
}

// Returns a ctk_coder_status.
int block_head_read(const uint8_t *bytes, size_t byte_count, const ctk_coder_run *run,
                    block_head *head);

#endif
