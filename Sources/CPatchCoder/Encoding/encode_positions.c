// Words of positions (formats/context.md section 7).

#include "encoder_words.h"

static uint64_t gap_number(const void *context, uint32_t item) { return gap_at(context, item); }

static inline void put_decision(rans_encoder *encoder, unsigned lane, uint32_t one, int is_set) {
  uint32_t zero = (1u << ODDS_SCALE) - one;
  if (is_set) {
    rans_put(encoder, lane, zero, one, ODDS_SCALE);
  } else {
    rans_put(encoder, lane, 0, zero, ODDS_SCALE);
  }
}

static void put_grid(rans_encoder *encoder, const block_plan *plan, const grid_plan *grid,
                     const ctk_encoder_input *input) {
  uint32_t probability[LEVEL_LIMIT];
  for (unsigned level = 0; level < grid->levels; level++) {
    probability[level] = odds_probability(grid->level_code[level]);
  }
  uint32_t decisions = 0;
  for (uint32_t row = 0; row < plan->lines.grid.rows; row++) {
    if (grid->row_class[row] == 0) continue;
    column_range range = columns_of(&plan->lines.grid, input->run.units, row);
    for (uint32_t column = range.first; column < range.end; column++) {
      decisions += grid->column_class[column] != 0;
    }
  }
  uint32_t item = input->count;
  for (uint32_t row = plan->lines.grid.rows; row-- > 0;) {
    if (grid->row_class[row] == 0) continue;
    column_range range = columns_of(&plan->lines.grid, input->run.units, row);
    uint64_t origin = (uint64_t)row * plan->lines.grid.width - plan->lines.grid.phase;
    const uint32_t *row_probability = probability + grid->row_class[row] - 1;
    for (uint32_t column = range.end; column-- > range.first;) {
      unsigned class = grid->column_class[column];
      if (class == 0) continue;
      int is_set = item > 0 && input->positions[item - 1] == (uint32_t)(origin + column);
      unsigned lane = --decisions & (encoder->lanes - 1);
      put_decision(encoder, lane, row_probability[class - 1], is_set);
      item -= (uint32_t)is_set;
    }
  }
  put_symbols(encoder, &plan->column_classes, grid->column_class, plan->lines.grid.width);
  put_symbols(encoder, &plan->row_classes, grid->row_class, plan->lines.grid.rows);
}

static uint64_t density_number(const void *context, uint32_t item) {
  return zigzag(((const int32_t *)context)[item]);
}

static void put_density_factors(rans_encoder *encoder, const coder_table *table,
                                const int32_t *numbers, unsigned factors, uint32_t count) {
  for (unsigned k = factors; k-- > 0;) {
    put_numbers(encoder, table, 1, count, density_number, numbers + (size_t)k * count);
  }
}

static void put_density(rans_encoder *encoder, const block_plan *plan,
                        const density_plan *density, const ctk_encoder_input *input) {
  const block_lines *lines = &plan->lines;
  uint32_t probability[DENSITY_LEVELS];
  for (unsigned level = 0; level < density->shape.levels; level++) {
    probability[level] = odds_probability(density->level_code[level]);
  }
  uint32_t decisions = (uint32_t)density->decisions, item = lines->count;
  for (uint32_t row = lines->active_rows; row-- > 0;) {
    const uint8_t *levels = density_plan_levels(density, lines, row);
    column_range range = columns_of(&lines->grid, input->run.units, lines->active_row[row]);
    for (uint32_t j = lines->active_columns; j-- > 0;) {
      uint32_t column = lines->active_column[j];
      if (column < range.first || column >= range.end) continue;
      int is_set = item > 0 && lines->row[item - 1] == lines->active_row[row] &&
                   lines->column[item - 1] == column;
      unsigned lane = --decisions & (encoder->lanes - 1);
      put_decision(encoder, lane, probability[levels[j]], is_set);
      item -= (uint32_t)is_set;
    }
  }
  unsigned factors = density->shape.factors;
  put_density_factors(encoder, &plan->density_columns, density->column_factors, factors,
                      lines->active_columns);
  put_density_factors(encoder, &plan->density_rows, density->row_factors, factors,
                      lines->active_rows);
  put_symbols(encoder, &plan->column_classes, density->column_class, lines->grid.width);
  put_symbols(encoder, &plan->row_classes, density->row_class, lines->grid.rows);
}

void put_positions(const ctk_encoder *encoder, const ctk_encoder_input *input,
                   const block_plan *plan, rans_encoder *rans) {
  switch (plan->index_form) {
    case INDEX_GAPS: put_numbers(rans, &plan->gaps, 1, input->count, gap_number, input); break;
    case INDEX_GRID: put_grid(rans, plan, &encoder->grid_plan, input); break;
    case INDEX_DENSITY: put_density(rans, plan, &encoder->density_plan, input); break;
    default: break;
  }
}
