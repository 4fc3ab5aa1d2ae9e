// What decoders of all sections share: reading symbols and numbers from lanes. Every
// list is read in steps over all lanes; within a step, every kind of reading visits the
// lanes in order.
#ifndef DECODER_LANES_H
#define DECODER_LANES_H

#include "block_head.h"
#include "coder_rans.h"

static inline unsigned take_symbol(rans_decoder *decoder, unsigned lane,
                                   const decoder_table *table) {
  uint64_t state = decoder->state[lane];
  uint32_t slot = (uint32_t)state & (TABLE_TOTAL - 1);
  unsigned i = table->symbol[slot];
  state = (state >> TABLE_SCALE) * table->table.frequency[i] + slot - table->table.start[i];
  decoder->state[lane] = rans_refilled(decoder, state);
  return table->table.first + i;
}

// Receives the numbers of one step.
typedef void (*number_sink)(void *context, uint32_t first, const uint64_t *numbers,
                            uint32_t count);

// Numbers as a bucket and up to `pieces` raw pieces.
void decode_numbers(rans_decoder *decoder, const decoder_table *table, unsigned pieces,
                    uint32_t count, number_sink sink, void *context);

// Positions; all return a ctk_coder_status.
int decode_gaps(rans_decoder *decoder, const block_head *head, const ctk_coder_run *run,
                uint32_t *positions);
int decode_grid(rans_decoder *decoder, const block_head *head, const ctk_coder_run *run,
                uint32_t *positions);
int decode_density(rans_decoder *decoder, const block_head *head, const ctk_coder_run *run,
                   uint32_t *positions);

// Rows and columns that hold coded units.
typedef struct {
  block_grid grid;
  // NULL when all units are coded.
  const uint32_t *positions;
  uint32_t count;
  // Whether a row or, after all rows, a column holds a coded unit.
  uint8_t *is_active;
  // Room for the active lines of either kind.
  uint32_t *active;
  // Class of each row, then of each column.
  uint8_t *scales;
  // Step code of each row.
  uint8_t *steps;
  // The factors of each row, then of each column.
  int32_t *factors;
} decoder_lines;

// Returns 0 when there is no memory; freed by lines_free in any case.
int lines_find(const block_head *head, decoder_lines *lines);
void lines_decode(rans_decoder *decoder, const block_head *head, decoder_lines *lines);
void lines_free(decoder_lines *lines);

static inline uint32_t position_of(const decoder_lines *lines, uint32_t item) {
  return lines->positions == NULL ? item : lines->positions[item];
}

// The table that an item's symbol is coded with.
static inline const decoder_table *table_for(const block_head *head, const decoder_lines *lines,
                                             uint32_t item) {
  if (head->contexts < 2) return &head->values[0];
  uint32_t place = lines->grid.phase + position_of(lines, item);
  uint32_t row = place / lines->grid.width;
  unsigned context =
      context_of(lines->scales[row],
                 lines->scales[lines->grid.rows + place - row * lines->grid.width],
                 head->context_offset, head->contexts);
  return &head->values[context];
}

// What values are decoded for.
typedef struct {
  const block_head *head;
  const decoder_lines *lines;
  // The run's units on one side, and whether it is the side after the change.
  const uint8_t *source;
  int is_target;
  unsigned unit_bytes;
} value_context;

void decode_ordered(rans_decoder *decoder, const value_context *context, void *differences);
void decode_top(rans_decoder *decoder, const value_context *context, void *differences);
void decode_real(rans_decoder *decoder, const value_context *context, uint32_t *differences);
void decode_rounded(rans_decoder *decoder, const value_context *context, uint32_t *differences);
// Returns 0 when there is no memory.
int decode_shared(rans_decoder *decoder, const value_context *context, uint32_t *differences);

#endif
