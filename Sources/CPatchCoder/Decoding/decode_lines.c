// Rows and columns that hold coded units (formats/context.md section 8).

#include <stdlib.h>

#include "decoder_lanes.h"

// Whether anything is said of lines.
static int has_lines(const block_head *head) {
  return head->contexts > 1 || head->factors > 0 || head->value_form == VALUES_STEPS;
}

void lines_free(decoder_lines *lines) {
  free(lines->is_active);
  free(lines->active);
  free(lines->scales);
  free(lines->steps);
  free(lines->factors);
}

int lines_find(const block_head *head, decoder_lines *lines) {
  size_t rows = lines->grid.rows, columns = lines->grid.width;
  if (!has_lines(head)) return 1;
  lines->is_active = calloc(rows + columns, 1);
  lines->active = malloc((rows > columns ? rows : columns) * sizeof *lines->active);
  lines->scales = calloc(rows + columns, 1);
  lines->steps = calloc(rows, 1);
  lines->factors = calloc((rows + columns) * head->factors + 1, sizeof *lines->factors);
  if (lines->is_active == NULL || lines->active == NULL || lines->scales == NULL ||
      lines->steps == NULL || lines->factors == NULL) {
    return 0;
  }
  for (uint32_t i = 0; i < lines->count; i++) {
    uint32_t place = lines->grid.phase + position_of(lines, i);
    uint32_t row = place / lines->grid.width;
    lines->is_active[row] = 1;
    lines->is_active[rows + place - row * lines->grid.width] = 1;
  }
  return 1;
}

// Lists the active lines of `size` from line `first` on.
static uint32_t list_active(decoder_lines *lines, size_t first, uint32_t size) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < size; i++) {
    if (lines->is_active[first + i]) lines->active[count++] = (uint32_t)first + i;
  }
  return count;
}

static void take_classes(rans_decoder *decoder, const decoder_table *table,
                         const decoder_lines *lines, uint32_t count, uint8_t *classes) {
  for (uint32_t i = 0; i < count; i++) {
    classes[lines->active[i]] =
        (uint8_t)take_symbol(decoder, i & (decoder->lanes - 1), table);
  }
}

typedef struct {
  decoder_lines *lines;
  unsigned factors;
  unsigned factor;
} factor_sink;

static void accept_factors(void *context, uint32_t first, const uint64_t *numbers,
                           uint32_t count) {
  factor_sink *sink = context;
  for (uint32_t i = 0; i < count; i++) {
    size_t line = sink->lines->active[first + i];
    sink->lines->factors[line * sink->factors + sink->factor] = (int32_t)from_zigzag(numbers[i]);
  }
}

static void take_factors(rans_decoder *decoder, const decoder_table *table, unsigned factors,
                         decoder_lines *lines, uint32_t count) {
  factor_sink sink = {lines, factors, 0};
  for (; sink.factor < factors; sink.factor++) {
    decode_numbers(decoder, table, 1, count, accept_factors, &sink);
  }
}

void lines_decode(rans_decoder *decoder, const block_head *head, decoder_lines *lines) {
  if (!has_lines(head)) return;
  size_t first[2] = {0, lines->grid.rows};
  uint32_t size[2] = {lines->grid.rows, lines->grid.width};
  const decoder_table *scales[2] = {&head->row_scales, &head->column_scales};
  const decoder_table *factors[2] = {&head->row_factors, &head->column_factors};
  for (unsigned kind = 0; kind < 2; kind++) {
    uint32_t count = list_active(lines, first[kind], size[kind]);
    if (head->contexts > 1) take_classes(decoder, scales[kind], lines, count, lines->scales);
    if (kind == 0 && head->value_form == VALUES_STEPS) {
      take_classes(decoder, &head->row_steps, lines, count, lines->steps);
    }
    take_factors(decoder, factors[kind], head->factors, lines, count);
  }
}
