#include "block_head.h"

#include <stdlib.h>
#include <string.h>

#include "coder_rounding.h"

static void read_grid(coder_cursor *cursor, block_head *head) {
  table_read(cursor, MOST_CLASSES + 1, &head->row_classes);
  table_read(cursor, MOST_CLASSES + 1, &head->column_classes);
  if (cursor->failed) return;
  unsigned rows = head->row_classes.table.first + head->row_classes.table.count - 1;
  unsigned columns = head->column_classes.table.first + head->column_classes.table.count - 1;
  if (rows == 0 || columns == 0) {
    cursor->failed = 1;
    return;
  }
  odds_read(cursor, rows + columns - 1, head->level_probability);
}

static void read_shifts(coder_cursor *cursor, const block_grid *grid, density_shape *shape) {
  shape->factors = cursor_byte(cursor);
  if (shape->factors > most_factors(grid, DENSITY_FACTORS_LIMIT)) cursor->failed = 1;
  for (unsigned k = 0; k < shape->factors && !cursor->failed; k++) {
    shape->shift[k] = cursor_byte(cursor);
    if (shape->shift[k] > MOST_DENSITY_SHIFT) cursor->failed = 1;
  }
}

static void read_levels(coder_cursor *cursor, block_head *head) {
  head->density.lowest = (int32_t)from_zigzag(cursor_varint(cursor));
  head->density.levels = cursor_byte(cursor);
  if (head->density.levels < 1 || head->density.levels > DENSITY_LEVELS) cursor->failed = 1;
  if (!cursor->failed) odds_read(cursor, head->density.levels, head->level_probability);
}

static void read_density(coder_cursor *cursor, const block_grid *grid, block_head *head) {
  density_shape *shape = &head->density;
  shape->row_step = cursor_byte(cursor);
  shape->column_step = cursor_byte(cursor);
  if (shape->row_step < 1 || shape->row_step > MOST_DENSITY_STEP || shape->column_step < 1 ||
      shape->column_step > MOST_DENSITY_STEP) {
    cursor->failed = 1;
    return;
  }
  table_read(cursor, MOST_CLASSES + 1, &head->row_classes);
  table_read(cursor, MOST_CLASSES + 1, &head->column_classes);
  read_shifts(cursor, grid, shape);
  if (!cursor->failed && shape->factors > 0) {
    table_read(cursor, DENSITY_BUCKETS, &head->density_rows);
    table_read(cursor, DENSITY_BUCKETS, &head->density_columns);
  }
  if (!cursor->failed) read_levels(cursor, head);
}

static void read_real(coder_cursor *cursor, const block_grid *grid, block_head *head) {
  head->cell_bits = cursor_byte(cursor);
  head->grid = cursor_byte(cursor);
  head->factors = cursor_byte(cursor);
  if (head->cell_bits > MOST_CELL_BITS || head->grid > MOST_GRID ||
      head->factors > most_factors(grid, MOST_FACTORS)) {
    cursor->failed = 1;
    return;
  }
  for (unsigned k = 0; k < head->factors; k++) {
    head->factor_shift[k] = cursor_byte(cursor);
    if (head->factor_shift[k] > MOST_FACTOR_SHIFT) cursor->failed = 1;
  }
  if (head->factors > 0) {
    table_read(cursor, FACTOR_BUCKETS, &head->row_factors);
    table_read(cursor, FACTOR_BUCKETS, &head->column_factors);
  }
}

static void read_tables(coder_cursor *cursor, unsigned limit, block_head *head) {
  head->contexts = cursor_byte(cursor);
  if (head->contexts < 1 || head->contexts > MOST_CONTEXTS) cursor->failed = 1;
  if (cursor->failed) return;
  if (head->contexts > 1) {
    head->context_offset = cursor_byte(cursor);
    table_read(cursor, MOST_SCALES, &head->row_scales);
    table_read(cursor, MOST_SCALES, &head->column_scales);
  }
  for (unsigned i = 0; i < head->contexts; i++) table_read(cursor, limit, &head->values[i]);
}

static void read_rounded(coder_cursor *cursor, block_head *head) {
  head->grid = cursor_byte(cursor);
  if (head->grid > MOST_GRID) cursor->failed = 1;
  if (!cursor->failed && head->value_form == VALUES_STEPS) {
    table_read(cursor, STEP_CODES, &head->row_steps);
  }
}

static void read_values(coder_cursor *cursor, const ctk_coder_run *run, const block_grid *grid,
                        block_head *head) {
  unsigned bits = 8 * run->unit_bytes;
  switch (head->value_form) {
    case VALUES_NONE: break;
    case VALUES_ORDERED:
      read_tables(cursor, bucket_of(UINT64_MAX >> (64 - bits)) + 1, head);
      break;
    case VALUES_TOP: read_tables(cursor, TABLE_SYMBOLS, head); break;
    case VALUES_REAL:
    case VALUES_SHARED:
      if (!run->is_f32) cursor->failed = 1;
      if (!cursor->failed) read_real(cursor, grid, head);
      if (!cursor->failed) read_tables(cursor, REAL_BUCKETS + 1, head);
      break;
    case VALUES_STEPS:
    case VALUES_SHORT:
      if (!run->is_f32) cursor->failed = 1;
      if (!cursor->failed) read_rounded(cursor, head);
      if (cursor->failed) break;
      read_tables(cursor,
                  head->value_form == VALUES_STEPS ? REAL_BUCKETS + 1 : SHORT_SYMBOLS + 1, head);
      break;
  }
}

int block_head_read(const uint8_t *bytes, size_t byte_count, const ctk_coder_run *run,
                    block_head *head) {
  coder_cursor cursor = {bytes, bytes + byte_count, 0};
  unsigned forms = cursor_byte(&cursor);
  unsigned lanes_log = cursor_byte(&cursor);
  if (cursor.failed) return CTK_CODER_DAMAGED;
  head->contexts = head->factors = 0;
  head->index_form = forms & 7;
  head->value_form = forms >> 3;
  if (head->index_form > INDEX_DENSITY || head->value_form > VALUES_SHARED) {
    return CTK_CODER_UNSUPPORTED;
  }
  head->width = cursor_varint(&cursor);
  head->count = head->index_form == INDEX_ALL ? run->units : cursor_varint(&cursor);
  if (cursor.failed || lanes_log > MOST_LANES_LOG || run->units > MOST_UNITS ||
      head->width < 1 || head->width > run->units || head->count < 1 ||
      head->count > run->units) {
    return CTK_CODER_DAMAGED;
  }
  head->lanes = 1u << lanes_log;
  block_grid grid = grid_of(run, head->width);
  const uint8_t *start = cursor.next;
  if (head->index_form == INDEX_GAPS) table_read(&cursor, GAP_BUCKETS, &head->gaps);
  if (head->index_form == INDEX_GRID) read_grid(&cursor, head);
  if (head->index_form == INDEX_DENSITY) read_density(&cursor, &grid, head);
  const uint8_t *middle = cursor.next;
  if (!cursor.failed) read_values(&cursor, run, &grid, head);
  if (cursor.failed) return CTK_CODER_DAMAGED;
  head->index_header_bytes = (size_t)(middle - start);
  head->value_header_bytes = (size_t)(cursor.next - middle);
  head->states = cursor.next;
  size_t rest = (size_t)(cursor.end - cursor.next);
  if (rest < 8 * (size_t)head->lanes || (rest - 8 * head->lanes) % 4 != 0) {
    return CTK_CODER_DAMAGED;
  }
  return CTK_CODER_OK;
}

int ctk_block_read_head(const uint8_t *bytes, size_t byte_count, const ctk_coder_run *run,
                        ctk_block_head *result) {
  block_head *head = malloc(sizeof *head);
  if (head == NULL) return CTK_CODER_NO_MEMORY;
  int status = block_head_read(bytes, byte_count, run, head);
  if (status == CTK_CODER_OK) {
    result->count = head->count;
    result->is_all = head->index_form == INDEX_ALL;
    result->needs_mask = head->index_form == INDEX_MASK;
    result->has_values = head->value_form != VALUES_NONE;
    result->needs_source = needs_source(head);
    result->index_header_bytes = head->index_header_bytes;
    result->value_header_bytes = head->value_header_bytes;
    result->head_bytes = (size_t)(head->states - bytes);
  }
  free(head);
  return status;
}
