// Words that tell of rows and columns (formats/context.md section 8).

#include "encoder_words.h"

typedef struct {
  const int32_t *numbers;
  const uint32_t *active;
} factor_source;

static uint64_t factor_number(const void *context, uint32_t item) {
  const factor_source *source = context;
  return zigzag(source->numbers[source->active[item]]);
}

static void put_factors(rans_encoder *encoder, const coder_table *table,
                        const int32_t *numbers, unsigned factors, uint32_t stride,
                        const uint32_t *active, uint32_t count) {
  for (unsigned k = factors; k-- > 0;) {
    factor_source source = {numbers + (size_t)k * stride, active};
    put_numbers(encoder, table, 1, count, factor_number, &source);
  }
}

// Classes of the active lines.
static void put_classes(rans_encoder *encoder, const coder_table *table, const uint8_t *classes,
                        const uint32_t *active, uint32_t count) {
  for (uint32_t i = count; i-- > 0;) {
    put_symbol(encoder, i & (encoder->lanes - 1), table, classes[active[i]]);
  }
}

void put_lines(const ctk_encoder *encoder, const ctk_encoder_input *input,
               const block_plan *plan, rans_encoder *rans) {
  static const factor_plan no_factors = {.factors = 0};
  const block_lines *lines = &plan->lines;
  const context_plan *context = &encoder->context_plan;
  const factor_plan *factor =
      plan->value_form == VALUES_SHARED ? &encoder->real_plan.factor : &no_factors;
  put_factors(rans, &plan->column_factors, factor->column_factors, factor->factors,
              lines->grid.width, lines->active_column, lines->active_columns);
  if (context->contexts > 1) {
    put_classes(rans, &plan->column_scales, context->column_scale, lines->active_column,
                lines->active_columns);
  }
  put_factors(rans, &plan->row_factors, factor->row_factors, factor->factors,
              lines->grid.rows, lines->active_row, lines->active_rows);
  if (plan->value_form == VALUES_STEPS) {
    put_classes(rans, &plan->row_steps, input->rounding.row_steps, lines->active_row,
                lines->active_rows);
  }
  if (context->contexts > 1) {
    put_classes(rans, &plan->row_scales, context->row_scale, lines->active_row,
                lines->active_rows);
  }
}
