#include <string.h>

#include "encoder_plan.h"

static uint32_t list_active(const uint32_t *lines, uint32_t count, uint32_t size,
                            uint32_t *active) {
  memset(active, 0, size * sizeof *active);
  for (uint32_t i = 0; i < count; i++) active[lines[i]] = 1;
  uint32_t found = 0;
  for (uint32_t line = 0; line < size; line++) {
    if (active[line]) active[found++] = line;
  }
  return found;
}

int plan_lines(scratch *memory, const ctk_encoder_input *input, block_lines *lines) {
  lines->grid = grid_of(&input->run, input->width);
  lines->count = input->count;
  size_t words = 2 * (size_t)input->count + lines->grid.rows + lines->grid.width;
  lines->row = scratch_reserve(memory, words * sizeof *lines->row);
  if (lines->row == NULL) return 0;
  lines->column = lines->row + input->count;
  lines->active_row = lines->column + input->count;
  lines->active_column = lines->active_row + lines->grid.rows;
  uint32_t row = 0, origin = 0;
  for (uint32_t i = 0; i < input->count; i++) {
    uint32_t place = lines->grid.phase + (input->positions == NULL ? i : input->positions[i]);
    if (place - origin >= lines->grid.width) {
      row = place / lines->grid.width;
      origin = row * lines->grid.width;
    }
    lines->row[i] = row;
    lines->column[i] = place - origin;
  }
  lines->active_rows =
      list_active(lines->row, input->count, lines->grid.rows, lines->active_row);
  lines->active_columns =
      list_active(lines->column, input->count, lines->grid.width, lines->active_column);
  return 1;
}
