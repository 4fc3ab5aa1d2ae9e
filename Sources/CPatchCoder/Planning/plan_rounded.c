// Finding the numbers that rounded changes were made from.

#include "encoder_grid.h"

#pragma STDC FP_CONTRACT OFF

static void escape(const ctk_encoder_input *input, rounded_plan *plan, uint32_t item,
                   unsigned symbol) {
  plan->symbol[item] = (uint8_t)symbol;
  plan->number[item] = zigzag_word(((const uint32_t *)input->differences)[item], 4);
  plan->low_bits[item] = 0;
}

static inline int leads_to(int64_t before, int64_t change, int64_t after) {
  return truncated(sum_of(before, change)) == after;
}

// The number of a change that leads from `before` to `after`; returns 0 when none does.
static int number_between(int64_t before, int64_t after, ctk_rounding_form form, int64_t step,
                          uint64_t *number) {
  // Truncation takes less than a unit of the target's last place.
  static const int tried[] = {0, 1, -1};
  int64_t change = after - before;
  int64_t guess = form == CTK_ROUNDING_STEPS ? (int64_t)floor((double)change / (2.0 * (double)step))
                                             : (int64_t)(short_number(change) >> 1);
  for (unsigned i = 0; i < 3; i++) {
    int64_t candidate = guess + tried[i];
    if (form == CTK_ROUNDING_STEPS) {
      *number = zigzag(candidate);
      if (leads_to(before, stepped_change(*number, step), after)) return 1;
    } else if (candidate >= 0) {
      *number = (uint64_t)candidate << 1 | (change < 0);
      if (leads_to(before, short_change(*number), after)) return 1;
    }
  }
  return 0;
}

static void code_items(const ctk_encoder_input *input, const block_lines *lines,
                       rounded_plan *plan) {
  const ctk_block_rounding *rounding = &input->rounding;
  int is_short = rounding->form == CTK_ROUNDING_SHORT;
  unsigned escape_symbol = is_short ? SHORT_ESCAPE : REAL_ESCAPE;
  double scale = ldexp(1, 149 - (int)rounding->grid);
  for (uint32_t i = 0; i < input->count; i++) {
    float_pair pair = pair_at(input, i);
    int64_t step = is_short ? 0 : step_of_code(rounding->row_steps[lines->row[i]]);
    int64_t before, after;
    uint64_t number;
    if (!to_grid(pair.before, scale, &before) || !to_grid(pair.after, scale, &after) ||
        !number_between(before, after, rounding->form, step, &number)) {
      escape(input, plan, i, escape_symbol);
      continue;
    }
    uint64_t symbol = is_short ? number >> SHORT_LOW_BITS : bucket_of(number);
    if (symbol >= escape_symbol) {
      escape(input, plan, i, escape_symbol);
      continue;
    }
    int64_t change = is_short ? short_change(number) : stepped_change(number, step);
    origin_range origins = origins_of(after, change);
    plan->symbol[i] = (uint8_t)symbol;
    plan->number[i] = number;
    plan->low_bits[i] = (uint8_t)origins.bits;
    plan->low[i] = (uint32_t)((uint64_t)difference_of(before, origins.first) >> origins.shift);
  }
}

static double bits_of_plan(const ctk_encoder_input *input, const rounded_plan *plan) {
  int is_short = input->rounding.form == CTK_ROUNDING_SHORT;
  unsigned escape_symbol = is_short ? SHORT_ESCAPE : REAL_ESCAPE;
  uint32_t counts[TABLE_SYMBOLS] = {0};
  double bits = 8;
  for (uint32_t i = 0; i < input->count; i++) {
    unsigned symbol = plan->symbol[i];
    counts[symbol]++;
    bits += symbol == escape_symbol ? 32
            : (is_short ? SHORT_LOW_BITS : bucket_bits(symbol)) + plan->low_bits[i];
  }
  bits += table_cost(counts, escape_symbol + 1);
  return is_short ? bits : bits + table_cost(plan->step_counts, STEP_CODES);
}

int plan_rounded(scratch *memory, const ctk_encoder_input *input, const block_lines *lines,
                 rounded_plan *plan) {
  size_t count = input->count;
  plan->number = scratch_reserve(memory, count * (8 + 4 + 2));
  if (plan->number == NULL) return 0;
  plan->low = (uint32_t *)(plan->number + count);
  plan->symbol = (uint8_t *)(plan->low + count);
  plan->low_bits = plan->symbol + count;
  code_items(input, lines, plan);
  memset(plan->step_counts, 0, sizeof plan->step_counts);
  if (input->rounding.form == CTK_ROUNDING_STEPS) {
    for (uint32_t i = 0; i < lines->active_rows; i++) {
      plan->step_counts[input->rounding.row_steps[lines->active_row[i]]]++;
    }
  }
  plan->bits = bits_of_plan(input, plan);
  return 1;
}
