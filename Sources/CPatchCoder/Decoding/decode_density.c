// Positions by the density of each place (formats/context.md section 7.1).

#include <stdlib.h>
#include <string.h>

#include "decoder_decisions.h"

typedef struct {
  density_columns columns;
  uint32_t active_rows;
  // Class of each row of the grid, then of each column.
  uint8_t *classes;
  // Places of the active columns.
  uint32_t *column;
  int32_t *origin;
  int32_t *row_factors;
  int32_t *column_factors;
  int32_t *sums;
  uint8_t *levels;
  uint32_t *found;
} density_work;

static void free_work(density_work *work) {
  free(work->classes);
  free(work->column);
  free(work->origin);
  free(work->row_factors);
  free(work->column_factors);
  free(work->sums);
  free(work->levels);
  free(work->found);
}

static int take_lines(rans_decoder *decoder, const block_head *head, const block_grid *grid,
                      density_work *work) {
  work->classes = malloc((size_t)grid->rows + grid->width);
  work->column = malloc(grid->width * sizeof *work->column);
  work->origin = malloc(grid->width * sizeof *work->origin);
  work->found = malloc(((size_t)head->count + 1) * sizeof *work->found);
  if (work->classes == NULL || work->column == NULL || work->origin == NULL ||
      work->found == NULL) {
    return 0;
  }
  uint8_t *columns = work->classes + grid->rows;
  take_symbols(decoder, &head->row_classes, grid->rows, work->classes);
  take_symbols(decoder, &head->column_classes, grid->width, columns);
  for (uint32_t row = 0; row < grid->rows; row++) work->active_rows += work->classes[row] != 0;
  for (uint32_t column = 0; column < grid->width; column++) {
    if (columns[column] == 0) continue;
    work->column[work->columns.count] = column;
    work->origin[work->columns.count++] =
        (int32_t)(head->density.column_step * columns[column]) - head->density.lowest;
  }
  work->columns.origin = work->origin;
  return 1;
}

static void accept_numbers(void *context, uint32_t first, const uint64_t *numbers,
                           uint32_t count) {
  int32_t *factors = context;
  for (uint32_t i = 0; i < count; i++) factors[first + i] = (int32_t)from_zigzag(numbers[i]);
}

static int32_t *take_factors(rans_decoder *decoder, const decoder_table *table,
                             unsigned factors, uint32_t count) {
  int32_t *numbers = malloc(((size_t)factors * count + 1) * sizeof *numbers);
  for (unsigned k = 0; k < factors && numbers != NULL; k++) {
    decode_numbers(decoder, table, 1, count, accept_numbers, numbers + (size_t)k * count);
  }
  return numbers;
}

static int take_all_factors(rans_decoder *decoder, const block_head *head, density_work *work) {
  unsigned factors = head->density.factors;
  work->row_factors =
      take_factors(decoder, &head->density_rows, factors, work->active_rows);
  work->column_factors =
      take_factors(decoder, &head->density_columns, factors, work->columns.count);
  work->columns.factors = work->column_factors;
  work->sums = malloc((work->columns.count + 1) * sizeof *work->sums);
  work->levels = malloc(work->columns.count + 1);
  return work->row_factors != NULL && work->column_factors != NULL && work->sums != NULL &&
         work->levels != NULL;
}

static void decide_row(rans_decoder *decoder, const block_head *head, const density_work *work,
                       int64_t origin, uint32_t units, decision_sink *sink) {
  for (uint32_t j = 0; j < work->columns.count; j++) {
    int64_t position = origin + work->column[j];
    if (position < 0 || position >= units) continue;
    decide(decoder, sink, (uint32_t)position, head->level_probability[work->levels[j]]);
  }
}

static void decide_all(rans_decoder *decoder, const block_head *head, const block_grid *grid,
                       uint32_t units, const density_work *work, decision_sink *sink) {
  uint32_t active = 0;
  for (uint32_t row = 0; row < grid->rows; row++) {
    if (work->classes[row] == 0) continue;
    int32_t factors[DENSITY_FACTORS_LIMIT];
    for (unsigned k = 0; k < head->density.factors; k++) {
      factors[k] = work->row_factors[(size_t)k * work->active_rows + active];
    }
    active++;
    density_levels(&head->density, &work->columns, work->classes[row], factors, work->sums,
                   work->levels);
    decide_row(decoder, head, work, (int64_t)row * grid->width - grid->phase, units, sink);
  }
  take_decisions(decoder, sink);
}

int decode_density(rans_decoder *decoder, const block_head *head, const ctk_coder_run *run,
                   uint32_t *positions) {
  block_grid grid = grid_of(run, head->width);
  density_work work = {.active_rows = 0};
  int status = CTK_CODER_NO_MEMORY;
  if (take_lines(decoder, head, &grid, &work) && take_all_factors(decoder, head, &work)) {
    decision_sink sink = {.positions = work.found, .limit = head->count};
    decide_all(decoder, head, &grid, run->units, &work, &sink);
    status = sink.found == head->count ? CTK_CODER_OK : CTK_CODER_DAMAGED;
    if (status == CTK_CODER_OK) memcpy(positions, work.found, head->count * sizeof *positions);
  }
  free_work(&work);
  return status;
}
