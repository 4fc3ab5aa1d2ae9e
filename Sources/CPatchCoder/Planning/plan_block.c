// The forms in which a block takes the fewest bits.

#include <math.h>
#include <string.h>

#include "density_fit.h"
#include "encoder_block.h"
#include "plan_numbers.h"

// A grid of classes takes time for every place, so it has to save something.
#define GRID_ADVANTAGE 0.98
// Units from which on densities are tried, and what a fit may take.
#define DENSITY_UNITS 256
#define DENSITY_BYTES ((size_t)1 << 26)
// Standard deviations that are no chance.
#define DEVIATIONS 5

static uint32_t end_of_row(const block_lines *lines, uint32_t first) {
  uint32_t end = first;
  while (end < lines->count && lines->row[end] == lines->row[first]) end++;
  return end;
}

// Columns that two rows of coded units have in common.
static uint32_t common_columns(const block_lines *lines, uint32_t first, uint32_t middle,
                               uint32_t end) {
  uint32_t common = 0;
  for (uint32_t i = first, j = middle; i < middle && j < end;) {
    uint32_t a = lines->column[i], b = lines->column[j];
    common += a == b;
    i += a <= b;
    j += b <= a;
  }
  return common;
}

// Whether neighbouring rows have more columns in common, or fewer, than by chance: the
// squares of what they have more, in units of its variance, add up to the rows.
static int has_structure(const block_lines *lines) {
  double columns = lines->active_columns, surprise = 0, pairs = 0, spread = 0;
  uint32_t first = 0, middle = end_of_row(lines, 0);
  while (middle < lines->count) {
    uint32_t end = end_of_row(lines, middle);
    double above = middle - first, below = end - middle;
    double expected = above * below / columns;
    double variance = expected * (1 - above / columns) * (1 - below / columns);
    if (variance > 0) {
      double more = common_columns(lines, first, middle, end) - expected;
      surprise += more * more / variance;
      spread += 2 + 1 / variance;
      pairs += 1;
    }
    first = middle;
    middle = end;
  }
  return surprise > pairs + DEVIATIONS * sqrt(spread);
}

// Densities take time for every place many times over: they are for positions that tell
// places apart, and for as many units as can pay for the numbers of the lines.
static int plan_positions_by_density(ctk_encoder *encoder, const ctk_encoder_input *input,
                                     block_plan *plan) {
  if (input->count < DENSITY_UNITS || density_fit_bytes(&plan->lines) > DENSITY_BYTES ||
      !has_structure(&plan->lines)) {
    return 1;
  }
  if (!plan_density(&encoder->density, input, &plan->lines, &encoder->density_plan)) return 0;
  if (encoder->density_plan.bits < plan->index_bits) {
    plan->index_form = INDEX_DENSITY;
    plan->index_bits = encoder->density_plan.bits;
  }
  return 1;
}

int plan_positions(ctk_encoder *encoder, const ctk_encoder_input *input, block_plan *plan) {
  plan->index_form = INDEX_ALL;
  plan->index_bits = 0;
  if (input->is_masked) {
    plan->index_form = INDEX_MASK;
    return 1;
  }
  if (input->positions == NULL || input->count == input->run.units) return 1;
  memset(plan->gap_counts, 0, sizeof plan->gap_counts);
  for (uint32_t i = 0; i < input->count; i++) plan->gap_counts[bucket_of(gap_at(input, i))]++;
  plan->index_form = INDEX_GAPS;
  plan->index_bits = buckets_cost(plan->gap_counts, GAP_BUCKETS);
  if (plan->lines.grid.rows < 2 || plan->lines.grid.width < 2) return 1;
  if (!plan_grid(&encoder->grid, &plan->lines, &encoder->grid_plan)) return 0;
  if (encoder->grid_plan.bits < GRID_ADVANTAGE * plan->index_bits) {
    plan->index_form = INDEX_GRID;
    plan->index_bits = encoder->grid_plan.bits;
  }
  return plan_positions_by_density(encoder, input, plan);
}

// Ordered or top values, whichever are smaller.
static int plan_plain_values(ctk_encoder *encoder, const ctk_encoder_input *input,
                             block_plan *plan) {
  unsigned bytes = input->run.unit_bytes, low_bits = 8 * bytes - 8;
  plan->number = scratch_reserve(&encoder->numbers, (size_t)input->count * 9);
  if (plan->number == NULL) return 0;
  plan->symbol = (uint8_t *)(plan->number + input->count);
  uint32_t ordered[TABLE_SYMBOLS] = {0}, top[TABLE_SYMBOLS] = {0};
  for (uint32_t i = 0; i < input->count; i++) {
    uint64_t number = zigzag_word(load_word(input->differences, i, bytes), bytes);
    unsigned bucket = bucket_of(number);
    plan->number[i] = number;
    plan->symbol[i] = (uint8_t)bucket;
    ordered[bucket]++;
    top[number >> low_bits]++;
  }
  plan->value_form = VALUES_ORDERED;
  plan->value_bits = buckets_cost(ordered, TABLE_SYMBOLS);
  double top_bits = (double)low_bits * input->count + table_cost(top, TABLE_SYMBOLS);
  if (top_bits < plan->value_bits || input->is_stored) {
    plan->value_form = VALUES_TOP;
    plan->value_bits = top_bits;
    for (uint32_t i = 0; i < input->count; i++) {
      plan->symbol[i] = (uint8_t)(plan->number[i] >> low_bits);
    }
  }
  return 1;
}

static void choose_form(block_plan *plan, unsigned form, double bits, uint64_t *number,
                        uint8_t *symbol) {
  if (bits >= plan->value_bits) return;
  plan->value_form = form;
  plan->value_bits = bits;
  plan->number = number;
  plan->symbol = symbol;
}

// Values that are coded against the base, when they are smaller.
static int plan_sourced_values(ctk_encoder *encoder, const ctk_encoder_input *input,
                               block_plan *plan) {
  if (!input->run.is_f32 || input->source == NULL || input->is_stored) return 1;
  if (input->rounding.form != CTK_ROUNDING_NONE) {
    rounded_plan *rounded = &encoder->rounded_plan;
    if (!plan_rounded(&encoder->rounded, input, &plan->lines, rounded)) return 0;
    unsigned form =
        input->rounding.form == CTK_ROUNDING_STEPS ? VALUES_STEPS : VALUES_SHORT;
    choose_form(plan, form, rounded->bits, rounded->number, rounded->symbol);
    return 1;
  }
  real_plan *real = &encoder->real_plan;
  if (!plan_real(&encoder->real, input, &plan->lines, real)) return 0;
  choose_form(plan, VALUES_SHARED, real->bits, real->number, real->bucket);
  return 1;
}

int plan_values(ctk_encoder *encoder, const ctk_encoder_input *input, block_plan *plan) {
  plan->value_form = VALUES_NONE;
  plan->value_bits = 0;
  if (input->differences == NULL) return 1;
  if (!plan_plain_values(encoder, input, plan)) return 0;
  if (!plan_sourced_values(encoder, input, plan)) return 0;
  context_plan *context = &encoder->context_plan;
  if (input->is_stored) {
    context->contexts = 1;
    for (unsigned symbol = 0; symbol < TABLE_SYMBOLS; symbol++) context->counts[0][symbol] = 1;
    return 1;
  }
  return plan_contexts(&encoder->contexts, &plan->lines, plan->symbol, TABLE_SYMBOLS, context);
}
