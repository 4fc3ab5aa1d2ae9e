// Rows and columns whose values are larger or smaller than others', as far as telling
// so saves more than it costs.

#include <math.h>
#include <string.h>

#include "encoder_plan.h"

#pragma STDC FP_CONTRACT OFF

#define ITERATIONS 3
// Buckets, of which an octave has four, between neighbouring classes.
#define SCALE_STEP 2.8
#define SIDE_CONTEXTS 4
#define CONTEXTS (2 * SIDE_CONTEXTS + 1)
// Blocks with fewer values for each line cannot repay the classes.
#define FEWEST_VALUES 4

typedef struct {
  float *offset;
  float *sum;
  uint32_t *count;
} line_scales;

static void improve(const block_lines *lines, const uint8_t *symbols, float mean,
                    const uint32_t *own, line_scales *scales, uint32_t size,
                    const uint32_t *other, const float *other_offset) {
  memset(scales->sum, 0, size * sizeof(float));
  for (uint32_t i = 0; i < lines->count; i++) {
    scales->sum[own[i]] += (float)symbols[i] - mean - other_offset[other[i]];
  }
  for (uint32_t i = 0; i < size; i++) {
    scales->offset[i] = scales->sum[i] / ((float)scales->count[i] + 2);
  }
}

// Classes of the active lines, from 0 on; returns the class of an average line.
static unsigned classify(const float *offset, const uint32_t *active, uint32_t count,
                         uint8_t *scale, uint32_t *counts) {
  int lowest = 0;
  for (uint32_t i = 0; i < count; i++) {
    int class = (int)lrintf(offset[active[i]] / (float)SCALE_STEP);
    class = class < -SIDE_CONTEXTS ? -SIDE_CONTEXTS : class;
    if (class < lowest) lowest = class;
  }
  memset(counts, 0, MOST_SCALES * sizeof *counts);
  for (uint32_t i = 0; i < count; i++) {
    int class = (int)lrintf(offset[active[i]] / (float)SCALE_STEP);
    class = class > SIDE_CONTEXTS ? SIDE_CONTEXTS : class < lowest ? lowest : class;
    scale[active[i]] = (uint8_t)(class - lowest);
    counts[class - lowest]++;
  }
  return (unsigned)-lowest;
}

static void count_symbols(const block_lines *lines, const uint8_t *symbols,
                          context_plan *plan) {
  memset(plan->counts, 0, sizeof plan->counts);
  for (uint32_t i = 0; i < lines->count; i++) {
    unsigned context = 0;
    if (plan->contexts > 1) {
      context = context_of(plan->row_scale[lines->row[i]],
                           plan->column_scale[lines->column[i]], plan->offset, plan->contexts);
    }
    plan->counts[context][symbols[i]]++;
  }
}

// A table nobody uses still has to be written.
static void fill_unused(context_plan *plan) {
  for (unsigned i = 0; i < plan->contexts; i++) {
    uint32_t sum = 0;
    for (unsigned symbol = 0; symbol < TABLE_SYMBOLS; symbol++) sum += plan->counts[i][symbol];
    if (sum == 0) plan->counts[i][0] = 1;
  }
}

static void merge(context_plan *plan) {
  for (unsigned i = 1; i < plan->contexts; i++) {
    for (unsigned symbol = 0; symbol < TABLE_SYMBOLS; symbol++) {
      plan->counts[0][symbol] += plan->counts[i][symbol];
    }
  }
  plan->contexts = 1;
}

int plan_contexts(scratch *memory, const block_lines *lines, const uint8_t *symbols,
                  unsigned limit, context_plan *plan) {
  uint32_t rows = lines->grid.rows, columns = lines->grid.width;
  plan->contexts = 1;
  size_t size = (size_t)rows + columns;
  if (rows < 2 || columns < 2 ||
      lines->count < FEWEST_VALUES * (lines->active_rows + lines->active_columns)) {
    count_symbols(lines, symbols, plan);
    return 1;
  }
  float *floats = scratch_reserve(memory, size * (2 * sizeof(float) + sizeof(uint32_t) + 1));
  if (floats == NULL) return 0;
  uint32_t *counts = (uint32_t *)(floats + 2 * size);
  line_scales row = {floats, floats + size, counts};
  line_scales column = {floats + rows, floats + size + rows, counts + rows};
  plan->row_scale = (uint8_t *)(counts + size);
  plan->column_scale = plan->row_scale + rows;
  memset(floats, 0, size * sizeof(float));
  memset(counts, 0, size * sizeof(uint32_t));
  double sum = 0;
  for (uint32_t i = 0; i < lines->count; i++) {
    sum += symbols[i];
    row.count[lines->row[i]]++;
    column.count[lines->column[i]]++;
  }
  float mean = (float)(sum / lines->count);
  for (unsigned i = 0; i < ITERATIONS; i++) {
    improve(lines, symbols, mean, lines->row, &row, rows, lines->column, column.offset);
    improve(lines, symbols, mean, lines->column, &column, columns, lines->row, row.offset);
  }
  unsigned average = classify(row.offset, lines->active_row, lines->active_rows,
                              plan->row_scale, plan->row_counts) +
                     classify(column.offset, lines->active_column, lines->active_columns,
                              plan->column_scale, plan->column_counts);
  unsigned below = average < SIDE_CONTEXTS ? average : SIDE_CONTEXTS;
  plan->offset = average - below;
  plan->contexts = CONTEXTS;
  count_symbols(lines, symbols, plan);
  fill_unused(plan);
  double bits = 8 + table_cost(plan->row_counts, MOST_SCALES) +
                table_cost(plan->column_counts, MOST_SCALES);
  for (unsigned i = 0; i < plan->contexts; i++) bits += table_cost(plan->counts[i], limit);
  uint32_t single[TABLE_SYMBOLS] = {0};
  for (unsigned i = 0; i < plan->contexts; i++) {
    for (unsigned symbol = 0; symbol < limit; symbol++) single[symbol] += plan->counts[i][symbol];
  }
  if (!(bits < table_cost(single, limit))) merge(plan);
  return 1;
}
