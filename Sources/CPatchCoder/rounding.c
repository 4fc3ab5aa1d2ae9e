// Rounding the changes of a tensor (formats/context.md sections 9.4 and 11).

#include "coder_rans.h"
#include "encoder_grid.h"

#pragma STDC FP_CONTRACT OFF

// Steps that are tried, a quarter of an octave apart, from the one that reaches a row's
// largest change downwards.
#define FEWER_BITS_TRIED 13
#define MORE_BITS_TRIED 7
// From this number of bits on, clipping hardly pays.
#define MORE_BITS 7
// Steps are at least this many times the grid's unit.
#define STEP_FINENESS 6
// One step for all rows spares their codes; it may have this share of error more.
#define COMMON_STEP_ALLOWANCE 1.02
// Room above the largest number.
#define HEADROOM_BITS 2

typedef struct {
  const ctk_rounding_input *input;
  uint64_t rows;
  double scale;
  double unit;
  unsigned tried;
} rounder;

// A change of one unit, if it can be rounded.
typedef struct {
  uint32_t before;
  uint32_t after;
  double change;
} unit_change;

static inline int change_at(const ctk_rounding_input *input, uint64_t unit,
                            unit_change *change) {
  change->before = float_bits_at(input->base, unit);
  change->after = float_bits_at(input->tuned, unit);
  if (change->before == change->after) return 0;
  if (!is_plain(change->before) || !is_plain(change->after)) return 0;
  change->change = (double)float_of_bits(change->after) - (double)float_of_bits(change->before);
  return fabs(change->change) < LARGEST_CHANGE;
}

static inline uint64_t row_end(const ctk_rounding_input *input, uint64_t row) {
  uint64_t end = (row + 1) * input->width;
  return end < input->units ? end : input->units;
}

static double largest_change(const ctk_rounding_input *input, uint64_t row) {
  double largest = 0;
  unit_change change;
  for (uint64_t unit = row * input->width; unit < row_end(input, row); unit++) {
    if (change_at(input, unit, &change) && fabs(change.change) > largest) {
      largest = fabs(change.change);
    }
  }
  return largest;
}

// The unit, as an exponent of 2^-149, that a row's changes need to be rounded well.
static int finest_of(const ctk_rounding_input *input, double smallest, double largest) {
  if (largest == 0) return MOST_GRID;
  return input->form == CTK_ROUNDING_STEPS
             ? ilogb(largest) + 149 - (int)input->bits - STEP_FINENESS
             : ilogb(smallest) + 149 - SHORT_BITS;
}

// The grid on which the numbers of the tensor lie, as far as 53 bits go.
static unsigned choose_grid(const ctk_rounding_input *input, uint64_t rows) {
  bit_range bases = {MOST_GRID, 1}, both = {MOST_GRID, 1};
  int grid = MOST_GRID;
  for (uint64_t row = 0; row < rows; row++) {
    double largest = 0, smallest = INFINITY;
    unit_change change;
    for (uint64_t unit = row * input->width; unit < row_end(input, row); unit++) {
      if (!change_at(input, unit, &change)) continue;
      widen(&bases, change.before);
      widen(&both, change.before);
      widen(&both, change.after);
      largest = fmax(largest, fabs(change.change));
      smallest = fmin(smallest, fabs(change.change));
    }
    int finest = finest_of(input, smallest, largest);
    if (finest < grid) grid = finest;
  }
  if (bases.lowest < grid) grid = bases.lowest;
  if (grid < both.highest + HEADROOM_BITS - 53) grid = both.highest + HEADROOM_BITS - 53;
  return (unsigned)(grid < 0 ? 0 : grid > MOST_GRID ? MOST_GRID : grid);
}

// The smallest step with which the highest level reaches `largest`.
static unsigned code_reaching(const rounder *rounder, double largest) {
  double step = largest * rounder->scale / (double)((1u << rounder->input->bits) - 1);
  unsigned code = 0;
  while (code + 1 < STEP_CODES && (double)step_of_code(code) < step) code++;
  return code;
}

// The level q for which (2 q + 1) steps are nearest to a change.
static inline int64_t level_of(double change, double step, unsigned bits) {
  double level = floor(change / (2 * step)), most = (double)(1 << (bits - 1));
  return (int64_t)(level < -most ? -most : level > most - 1 ? most - 1 : level);
}

// Squared errors with the code `highest` and those below it.
static void add_errors(const rounder *rounder, uint64_t row, unsigned highest, double *errors) {
  unit_change change;
  double steps[FEWER_BITS_TRIED];
  unsigned tried = highest + 1 < rounder->tried ? highest + 1 : rounder->tried;
  for (unsigned i = 0; i < tried; i++) {
    steps[i] = (double)step_of_code(highest - i) * rounder->unit;
  }
  for (uint64_t unit = row * rounder->input->width; unit < row_end(rounder->input, row);
       unit++) {
    if (!change_at(rounder->input, unit, &change)) continue;
    for (unsigned i = 0; i < tried; i++) {
      double level = (double)level_of(change.change, steps[i], rounder->input->bits);
      double error = change.change - (2 * level + 1) * steps[i];
      errors[i] += error * error;
    }
  }
  for (unsigned i = tried; i < rounder->tried; i++) errors[i] = INFINITY;
}

static unsigned best_of(const rounder *rounder, const double *errors) {
  unsigned best = 0;
  for (unsigned i = 1; i < rounder->tried; i++) {
    if (errors[i] < errors[best]) best = i;
  }
  return best;
}

// Chooses a step for each row, or one for all.
static void choose_steps(const rounder *rounder, uint8_t *row_steps) {
  double largest = 0, row_total = 0, common[FEWER_BITS_TRIED] = {0};
  for (uint64_t row = 0; row < rounder->rows; row++) {
    double own = largest_change(rounder->input, row);
    largest = own > largest ? own : largest;
  }
  unsigned common_highest = code_reaching(rounder, largest);
  for (uint64_t row = 0; row < rounder->rows; row++) {
    double errors[FEWER_BITS_TRIED] = {0};
    unsigned highest = code_reaching(rounder, largest_change(rounder->input, row));
    add_errors(rounder, row, highest, errors);
    unsigned best = best_of(rounder, errors);
    row_steps[row] = (uint8_t)(highest - best);
    row_total += errors[best];
    add_errors(rounder, row, common_highest, common);
  }
  unsigned best = best_of(rounder, common);
  if (common[best] > COMMON_STEP_ALLOWANCE * row_total) return;
  memset(row_steps, (int)(common_highest - best), rounder->rows);
}

static inline uint32_t rounded_bits(const rounder *rounder, const unit_change *change,
                                    int64_t step, ctk_rounding_result *result) {
  int64_t before, target;
  double wanted = change->change * rounder->scale;
  if (!to_grid(change->before, rounder->scale, &before) || !(fabs(wanted) < 0x1p52)) {
    result->exact++;
    return change->after;
  }
  uint64_t number = rounder->input->form == CTK_ROUNDING_STEPS
                        ? zigzag(level_of(wanted, (double)step, rounder->input->bits))
                        : short_number((int64_t)rint(wanted));
  target = truncated(before + (rounder->input->form == CTK_ROUNDING_STEPS
                                   ? stepped_change(number, step)
                                   : short_change(number)));
  double value = (double)target * rounder->unit;
  uint32_t bits = bits_of_float((float)value);
  if ((double)(float)value != value || !is_plain(bits)) {
    result->exact++;
    return change->after;
  }
  double error = fabs(value - (double)float_of_bits(change->after));
  result->rounded++;
  result->error_sum += error;
  if (error > result->worst_error) result->worst_error = error;
  return bits;
}

static void round_rows(const rounder *rounder, const uint8_t *row_steps, uint8_t *target,
                       ctk_rounding_result *result) {
  unit_change change;
  for (uint64_t row = 0; row < rounder->rows; row++) {
    int64_t step = row_steps == NULL ? 0 : step_of_code(row_steps[row]);
    for (uint64_t unit = row * rounder->input->width; unit < row_end(rounder->input, row);
         unit++) {
      uint32_t bits;
      if (change_at(rounder->input, unit, &change)) {
        bits = rounded_bits(rounder, &change, step, result);
      } else {
        bits = change.after;
        result->exact += change.before != change.after;
      }
      store_u32(target + 4 * unit, bits);
    }
  }
}

int ctk_round_changes(const ctk_rounding_input *input, uint8_t *target, uint8_t *row_steps,
                      ctk_rounding_result *result) {
  *result = (ctk_rounding_result){0};
  rounder rounder = {.input = input,
                     .rows = input->units / input->width + (input->units % input->width != 0),
                     .tried = input->bits < MORE_BITS ? FEWER_BITS_TRIED : MORE_BITS_TRIED};
  result->grid = choose_grid(input, rounder.rows);
  rounder.scale = ldexp(1, 149 - (int)result->grid);
  rounder.unit = ldexp(1, (int)result->grid - 149);
  if (input->form == CTK_ROUNDING_STEPS) choose_steps(&rounder, row_steps);
  round_rows(&rounder, input->form == CTK_ROUNDING_STEPS ? row_steps : NULL, target, result);
  return CTK_CODER_OK;
}
