// An encoder's memory and what it has decided of the block at hand.
#ifndef ENCODER_BLOCK_H
#define ENCODER_BLOCK_H

#include "coder_rans.h"
#include "encoder_plan.h"

struct ctk_encoder {
  coder_buffer output;
  scratch words;
  scratch lines;
  scratch numbers;
  scratch grid;
  scratch density;
  scratch contexts;
  real_memory real;
  scratch rounded;
  grid_plan grid_plan;
  density_plan density_plan;
  real_plan real_plan;
  rounded_plan rounded_plan;
  context_plan context_plan;
};

typedef struct {
  block_lines lines;
  unsigned index_form;
  unsigned value_form;
  unsigned lanes_log;
  double index_bits;
  double value_bits;
  uint32_t gap_counts[GAP_BUCKETS];
  // Of ordered and top values: the zigzag of each difference, and its symbol.
  uint64_t *number;
  uint8_t *symbol;
  coder_table gaps, row_classes, column_classes;
  coder_table density_rows, density_columns;
  coder_table row_factors, column_factors;
  coder_table row_steps;
  coder_table row_scales, column_scales;
  coder_table values[MOST_CONTEXTS];
} block_plan;

static inline uint32_t gap_at(const ctk_encoder_input *input, uint32_t item) {
  return item == 0 ? input->positions[0]
                   : input->positions[item] - input->positions[item - 1] - 1;
}

// More words than any choice can need: one for each reading of an item.
static inline size_t most_words(const ctk_encoder_input *input, const block_grid *grid) {
  size_t lines = (size_t)grid->rows + grid->width;
  // Of positions and of values, in two readings.
  size_t numbers = 2 * lines * most_factors(grid, MOST_FACTORS);
  return (size_t)input->run.units + (size_t)input->count * 6 + 3 * lines + 2 * numbers +
         RANS_MOST_LANES;
}

// Choose the forms of positions and values, once the plan has its lines. Both return 0
// when there is no memory.
int plan_positions(ctk_encoder *encoder, const ctk_encoder_input *input, block_plan *plan);
int plan_values(ctk_encoder *encoder, const ctk_encoder_input *input, block_plan *plan);

// Writes the head of a block, and sets the tables of the plan.
void write_head(ctk_encoder *encoder, const ctk_encoder_input *input, block_plan *plan);

// Writes all lists of a block, backwards.
void encode_words(const ctk_encoder *encoder, const ctk_encoder_input *input,
                  const block_plan *plan, rans_encoder *rans);

#endif
