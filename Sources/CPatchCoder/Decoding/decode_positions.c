// Positions of the coded units (formats/context.md section 7).

#include <stdlib.h>
#include <string.h>

#include "decoder_decisions.h"

typedef struct {
  uint32_t *positions;
  uint64_t next;
  uint32_t units;
  int failed;
} gap_sink;

static void accept_gaps(void *context, uint32_t first, const uint64_t *gaps, uint32_t count) {
  gap_sink *sink = context;
  for (uint32_t i = 0; i < count; i++) {
    uint64_t position = sink->next + gaps[i];
    if (position >= sink->units) {
      sink->failed = 1;
      position = 0;
    }
    sink->positions[first + i] = (uint32_t)position;
    sink->next = position + 1;
  }
}

int decode_gaps(rans_decoder *decoder, const block_head *head, const ctk_coder_run *run,
                     uint32_t *positions) {
  gap_sink sink = {positions, 0, run->units, 0};
  decode_numbers(decoder, &head->gaps, 1, head->count, accept_gaps, &sink);
  return sink.failed ? CTK_CODER_DAMAGED : CTK_CODER_OK;
}

// A column that holds coded units.
typedef struct {
  uint32_t column;
  uint32_t level;
} active_column;

int decode_grid(rans_decoder *decoder, const block_head *head, const ctk_coder_run *run,
                     uint32_t *positions) {
  block_grid grid = grid_of(run, head->width);
  uint8_t *classes = malloc((size_t)grid.rows + grid.width);
  active_column *columns = malloc(grid.width * sizeof *columns);
  uint32_t *found = malloc(((size_t)head->count + 1) * sizeof *found);
  int status = CTK_CODER_NO_MEMORY;
  if (classes != NULL && columns != NULL && found != NULL) {
    uint8_t *column_classes = classes + grid.rows;
    take_symbols(decoder, &head->row_classes, grid.rows, classes);
    take_symbols(decoder, &head->column_classes, grid.width, column_classes);
    uint32_t active = 0;
    for (uint32_t column = 0; column < grid.width; column++) {
      if (column_classes[column] == 0) continue;
      columns[active++] = (active_column){column, column_classes[column] - 1u};
    }
    decision_sink sink = {.positions = found, .limit = head->count};
    for (uint32_t row = 0; row < grid.rows; row++) {
      if (classes[row] == 0) continue;
      const uint32_t *level = head->level_probability + (classes[row] - 1);
      int64_t origin = (int64_t)row * grid.width - grid.phase;
      for (uint32_t i = 0; i < active; i++) {
        int64_t position = origin + columns[i].column;
        if (position < 0 || position >= run->units) continue;
        decide(decoder, &sink, (uint32_t)position, level[columns[i].level]);
      }
    }
    take_decisions(decoder, &sink);
    status = sink.found == head->count ? CTK_CODER_OK : CTK_CODER_DAMAGED;
    if (status == CTK_CODER_OK) memcpy(positions, found, head->count * sizeof *found);
  }
  free(classes);
  free(columns);
  free(found);
  return status;
}
