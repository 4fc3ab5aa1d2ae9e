// Levels of a grid's places, and the odds of each.

#include <string.h>

#include "encoder_plan.h"

static void set_origins(const block_lines *lines, density_plan *plan) {
  for (uint32_t j = 0; j < lines->active_columns; j++) {
    unsigned class = plan->column_class[lines->active_column[j]];
    plan->column_origin[j] =
        (int32_t)(plan->shape.column_step * class) - plan->shape.lowest;
  }
}

const uint8_t *density_plan_levels(const density_plan *plan, const block_lines *lines,
                                   uint32_t row) {
  int32_t factors[DENSITY_FACTORS_LIMIT];
  for (unsigned k = 0; k < plan->shape.factors; k++) {
    factors[k] = plan->row_factors[(size_t)k * lines->active_rows + row];
  }
  density_columns columns = {lines->active_columns, plan->column_origin, plan->column_factors};
  density_levels(&plan->shape, &columns, plan->row_class[lines->active_row[row]], factors,
                 plan->sums, plan->levels);
  return plan->levels;
}

static void count_levels(const ctk_encoder_input *input, const block_lines *lines,
                         density_plan *plan, double *places, double *set) {
  uint32_t item = 0;
  for (uint32_t row = 0; row < lines->active_rows; row++) {
    const uint8_t *levels = density_plan_levels(plan, lines, row);
    column_range range = columns_of(&lines->grid, input->run.units, lines->active_row[row]);
    uint32_t counts[DENSITY_LEVELS] = {0};
    for (uint32_t j = 0; j < lines->active_columns; j++) {
      uint32_t column = lines->active_column[j];
      if (column < range.first || column >= range.end) continue;
      counts[levels[j]]++;
      if (item == lines->count || lines->row[item] != lines->active_row[row] ||
          lines->column[item] != column) {
        continue;
      }
      set[levels[j]] += 1;
      item++;
    }
    for (unsigned level = 0; level < plan->shape.levels; level++) places[level] += counts[level];
  }
}

// Drops the levels at both ends that no place has.
static void trim_levels(density_plan *plan, double *places, double *set) {
  unsigned first = 0, end = plan->shape.levels;
  while (first + 1 < end && places[first] == 0) first++;
  while (end - 1 > first && places[end - 1] == 0) end--;
  plan->shape.levels = end - first;
  plan->shape.lowest += (int32_t)first;
  memmove(places, places + first, plan->shape.levels * sizeof *places);
  memmove(set, set + first, plan->shape.levels * sizeof *set);
}

void plan_levels(const ctk_encoder_input *input, const block_lines *lines, density_plan *plan) {
  double places[DENSITY_LEVELS] = {0}, set[DENSITY_LEVELS] = {0};
  set_origins(lines, plan);
  count_levels(input, lines, plan, places, set);
  trim_levels(plan, places, set);
  set_origins(lines, plan);
  plan->decisions = 0;
  for (unsigned level = 0; level < plan->shape.levels; level++) plan->decisions += places[level];
  plan->bits += choose_odds(plan->shape.levels, places, set, plan->level_code);
  plan->bits += odds_cost(plan->level_code, plan->shape.levels);
}
