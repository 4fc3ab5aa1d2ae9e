// Row and column classes whose sum tells how dense a place of the grid is.

#include <math.h>
#include <string.h>

#include "encoder_plan.h"

#pragma STDC FP_CONTRACT OFF

// Lines are rows or columns. Those of one density form a group and are fitted as one.
#define MOST_GROUPS 192
#define SPARSE_GROUPS 96
#define ITERATIONS 10
// Natural logarithms of odds between neighbouring classes.
#define CLASS_STEP 1.2

typedef struct {
  unsigned count;
  double lines[MOST_GROUPS];
  double mean[MOST_GROUPS];
  double logit[MOST_GROUPS];
} line_groups;

// Lines of one bucket of set or, for dense lines, of unset places belong together.
static unsigned group_of(uint32_t set, uint32_t length) {
  if (set * 2 <= length) return bucket_of(set);
  return SPARSE_GROUPS + bucket_of(set < length ? length - set : 0);
}

static void group_lines(const uint32_t *set, uint32_t lines, uint32_t length,
                        line_groups *groups, uint8_t *slot) {
  memset(slot, 0xff, MOST_GROUPS);
  groups->count = 0;
  for (uint32_t i = 0; i < lines; i++) {
    if (set[i] == 0) continue;
    unsigned group = group_of(set[i], length);
    if (slot[group] == 0xff) {
      slot[group] = (uint8_t)groups->count;
      groups->lines[groups->count] = groups->mean[groups->count] = 0;
      groups->count++;
    }
    groups->lines[slot[group]] += 1;
    groups->mean[slot[group]] += set[i];
  }
  for (unsigned i = 0; i < groups->count; i++) groups->mean[i] /= groups->lines[i];
}

static double lines_of(const line_groups *groups) {
  double lines = 0;
  for (unsigned i = 0; i < groups->count; i++) lines += groups->lines[i];
  return lines;
}

static void start_logits(line_groups *groups, double length, double offset) {
  for (unsigned i = 0; i < groups->count; i++) {
    double rest = length > groups->mean[i] ? length - groups->mean[i] : 0;
    groups->logit[i] = log((groups->mean[i] + 0.3) / (rest + 0.3)) - offset;
  }
}

// One Newton step of every group of `own` towards its mean.
static void improve(line_groups *own, const line_groups *other) {
  for (unsigned i = 0; i < own->count; i++) {
    double sum = 0, slope = 0.3;
    for (unsigned j = 0; j < other->count; j++) {
      double odds = exp(-own->logit[i] - other->logit[j]);
      double share = 1 / (1 + odds);
      sum += share * other->lines[j];
      slope += share * (1 - share) * other->lines[j];
    }
    double step = (own->mean[i] - sum) / slope;
    own->logit[i] += step > 1 ? 1 : step < -1 ? -1 : step;
    own->logit[i] = own->logit[i] > 20 ? 20 : own->logit[i] < -20 ? -20 : own->logit[i];
  }
}

static void fit(line_groups *rows, line_groups *columns, uint32_t count) {
  double row_lines = lines_of(rows), column_lines = lines_of(columns);
  double rest = row_lines * column_lines - count;
  start_logits(rows, column_lines, 0);
  start_logits(columns, row_lines, log((count + 0.3) / ((rest > 0 ? rest : 0) + 0.3)));
  for (unsigned i = 0; i < ITERATIONS; i++) {
    improve(rows, columns);
    improve(columns, rows);
  }
}

// Classes from 1 on in steps of CLASS_STEP above the lowest logit.
static void classify(const line_groups *groups, uint8_t *class_of_group) {
  double lowest = groups->logit[0];
  for (unsigned i = 1; i < groups->count; i++) {
    if (groups->logit[i] < lowest) lowest = groups->logit[i];
  }
  for (unsigned i = 0; i < groups->count; i++) {
    double class = (groups->logit[i] - lowest) / CLASS_STEP + 1.5;
    class_of_group[i] = class > MOST_CLASSES ? MOST_CLASSES : (uint8_t)class;
  }
}

static void assign(const uint32_t *set, uint32_t lines, uint32_t length, const uint8_t *slot,
                   const uint8_t *class_of_group, uint8_t *class_of_line, uint32_t *counts) {
  memset(counts, 0, (MOST_CLASSES + 1) * sizeof *counts);
  for (uint32_t i = 0; i < lines; i++) {
    class_of_line[i] = set[i] == 0 ? 0 : class_of_group[slot[group_of(set[i], length)]];
    counts[class_of_line[i]]++;
  }
}

static unsigned highest(const uint32_t *counts) {
  unsigned class = MOST_CLASSES;
  while (class > 0 && counts[class] == 0) class--;
  return class;
}

double choose_odds(unsigned levels, const double *places, const double *set, int *level_code) {
  double bits = 0;
  int previous = 0;
  for (unsigned level = 0; level < levels; level++) {
    double unset = places[level] > set[level] ? places[level] - set[level] : 0;
    if (places[level] > 0) {
      double code = 4 * log2((set[level] + 0.1) / (unset + 0.1));
      previous = (int)lrint(code > ODDS_LIMIT    ? ODDS_LIMIT
                            : code < -ODDS_LIMIT ? -ODDS_LIMIT
                                                 : code);
    }
    level_code[level] = previous;
    double share = (double)odds_probability(previous) / (1 << ODDS_SCALE);
    bits -= set[level] * log2(share) + unset * log2(1 - share);
  }
  return bits;
}

int plan_grid(scratch *memory, const block_lines *lines, grid_plan *plan) {
  const block_grid *grid = &lines->grid;
  size_t size = (size_t)grid->rows + grid->width;
  uint32_t *row_set = scratch_reserve(memory, size * (sizeof *row_set + 1));
  if (row_set == NULL) return 0;
  uint32_t *column_set = row_set + grid->rows;
  plan->row_class = (uint8_t *)(row_set + size);
  plan->column_class = plan->row_class + grid->rows;
  memset(row_set, 0, size * sizeof *row_set);
  for (uint32_t i = 0; i < lines->count; i++) {
    row_set[lines->row[i]]++;
    column_set[lines->column[i]]++;
  }

  line_groups rows, columns;
  uint8_t row_slot[MOST_GROUPS], column_slot[MOST_GROUPS];
  group_lines(row_set, grid->rows, grid->width, &rows, row_slot);
  group_lines(column_set, grid->width, grid->rows, &columns, column_slot);
  fit(&rows, &columns, lines->count);

  uint8_t class_of_group[MOST_GROUPS];
  classify(&rows, class_of_group);
  assign(row_set, grid->rows, grid->width, row_slot, class_of_group, plan->row_class,
         plan->row_counts);
  classify(&columns, class_of_group);
  assign(column_set, grid->width, grid->rows, column_slot, class_of_group,
         plan->column_class, plan->column_counts);

  double places[LEVEL_LIMIT] = {0}, set[LEVEL_LIMIT] = {0};
  unsigned most_rows = highest(plan->row_counts), most_columns = highest(plan->column_counts);
  plan->levels = most_rows + most_columns - 1;
  plan->decisions = 0;
  for (unsigned a = 1; a <= most_rows; a++) {
    for (unsigned b = 1; b <= most_columns; b++) {
      double count = (double)plan->row_counts[a] * plan->column_counts[b];
      places[a + b - 2] += count;
      plan->decisions += count;
    }
  }
  for (uint32_t i = 0; i < lines->count; i++) {
    set[plan->row_class[lines->row[i]] + plan->column_class[lines->column[i]] - 2] += 1;
  }
  plan->bits = choose_odds(plan->levels, places, set, plan->level_code) + 8 +
               odds_cost(plan->level_code, plan->levels) +
               table_cost(plan->row_counts, MOST_CLASSES + 1) +
               table_cost(plan->column_counts, MOST_CLASSES + 1);
  return 1;
}
