// The part of a block before its coded words (formats/context.md section 3).

#include "encoder_block.h"

static void write_grid(coder_buffer *output, const grid_plan *grid, block_plan *plan) {
  table_write(output, grid->row_counts, MOST_CLASSES + 1, &plan->row_classes);
  table_write(output, grid->column_counts, MOST_CLASSES + 1, &plan->column_classes);
  odds_write(output, grid->level_code, grid->levels);
}

static void write_density(coder_buffer *output, const density_plan *density, block_plan *plan) {
  const density_shape *shape = &density->shape;
  buffer_byte(output, (uint8_t)shape->row_step);
  buffer_byte(output, (uint8_t)shape->column_step);
  table_write(output, density->row_counts, MOST_CLASSES + 1, &plan->row_classes);
  table_write(output, density->column_counts, MOST_CLASSES + 1, &plan->column_classes);
  buffer_byte(output, (uint8_t)shape->factors);
  for (unsigned k = 0; k < shape->factors; k++) buffer_byte(output, (uint8_t)shape->shift[k]);
  if (shape->factors > 0) {
    table_write(output, density->row_factor_counts, DENSITY_BUCKETS, &plan->density_rows);
    table_write(output, density->column_factor_counts, DENSITY_BUCKETS, &plan->density_columns);
  }
  buffer_varint(output, (uint32_t)zigzag(shape->lowest));
  buffer_byte(output, (uint8_t)shape->levels);
  odds_write(output, density->level_code, shape->levels);
}

static void write_real(coder_buffer *output, const real_plan *real, block_plan *plan) {
  buffer_byte(output, (uint8_t)real->cell_bits);
  buffer_byte(output, (uint8_t)real->grid);
  buffer_byte(output, (uint8_t)real->factor.factors);
  for (unsigned k = 0; k < real->factor.factors; k++) {
    buffer_byte(output, (uint8_t)real->factor_shift[k]);
  }
  if (real->factor.factors > 0) {
    table_write(output, real->row_counts, FACTOR_BUCKETS, &plan->row_factors);
    table_write(output, real->column_counts, FACTOR_BUCKETS, &plan->column_factors);
  }
}

static void write_rounded(coder_buffer *output, const ctk_block_rounding *rounding,
                          const rounded_plan *rounded, block_plan *plan) {
  buffer_byte(output, (uint8_t)rounding->grid);
  if (plan->value_form == VALUES_STEPS) {
    table_write(output, rounded->step_counts, STEP_CODES, &plan->row_steps);
  }
}

static void write_tables(coder_buffer *output, const context_plan *context,
                         block_plan *plan) {
  buffer_byte(output, (uint8_t)context->contexts);
  if (context->contexts > 1) {
    buffer_byte(output, (uint8_t)context->offset);
    table_write(output, context->row_counts, MOST_SCALES, &plan->row_scales);
    table_write(output, context->column_counts, MOST_SCALES, &plan->column_scales);
  }
  for (unsigned i = 0; i < context->contexts; i++) {
    table_write(output, context->counts[i], TABLE_SYMBOLS, &plan->values[i]);
  }
}

void write_head(ctk_encoder *encoder, const ctk_encoder_input *input,
                       block_plan *plan) {
  coder_buffer *output = &encoder->output;
  output->count = 0;
  output->failed = 0;
  buffer_byte(output, (uint8_t)(plan->index_form | plan->value_form << 3));
  buffer_byte(output, (uint8_t)plan->lanes_log);
  buffer_varint(output, input->width);
  if (plan->index_form != INDEX_ALL) buffer_varint(output, input->count);
  if (plan->index_form == INDEX_GAPS) {
    table_write(output, plan->gap_counts, GAP_BUCKETS, &plan->gaps);
  } else if (plan->index_form == INDEX_GRID) {
    write_grid(output, &encoder->grid_plan, plan);
  } else if (plan->index_form == INDEX_DENSITY) {
    write_density(output, &encoder->density_plan, plan);
  }
  if (plan->value_form == VALUES_SHARED) write_real(output, &encoder->real_plan, plan);
  if (plan->value_form == VALUES_STEPS || plan->value_form == VALUES_SHORT) {
    write_rounded(output, &input->rounding, &encoder->rounded_plan, plan);
  }
  if (plan->value_form != VALUES_NONE) write_tables(output, &encoder->context_plan, plan);
}
