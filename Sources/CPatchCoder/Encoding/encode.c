// Encoding of blocks: the cheapest forms are chosen, the head is written, then all lists.

#include <stdlib.h>

#include "encoder_block.h"

// Coded bits for each lane, so that the lanes' own 64 bits hardly count.
#define DECISIONS_PER_LANE 16384
#define BITS_PER_LANE (32 * 2048)

void *scratch_reserve(scratch *memory, size_t bytes) {
  if (bytes > memory->capacity) {
    free(memory->bytes);
    memory->capacity = bytes + bytes / 4;
    memory->bytes = malloc(memory->capacity);
    if (memory->bytes == NULL) memory->capacity = 0;
  }
  return memory->bytes;
}

ctk_encoder *ctk_encoder_create(void) { return calloc(1, sizeof(ctk_encoder)); }

void ctk_encoder_destroy(ctk_encoder *encoder) {
  if (encoder == NULL) return;
  free(encoder->output.bytes);
  free(encoder->words.bytes);
  free(encoder->lines.bytes);
  free(encoder->numbers.bytes);
  free(encoder->grid.bytes);
  free(encoder->density.bytes);
  free(encoder->contexts.bytes);
  free(encoder->real.items.bytes);
  free(encoder->real.factors.bytes);
  free(encoder->rounded.bytes);
  free(encoder);
}

static unsigned lanes_log_for(double bits, double decisions) {
  unsigned log = 0;
  while (log < MOST_LANES_LOG && bits >= (double)BITS_PER_LANE * (2 << log)) log++;
  // Decisions are many and cheap: twice the lanes keep their lists shorter.
  return log < MOST_LANES_LOG && decisions > (double)DECISIONS_PER_LANE * (1 << log) ? log + 1
                                                                                      : log;
}

static double decisions_of(const ctk_encoder *encoder, const block_plan *plan) {
  switch (plan->index_form) {
    case INDEX_GRID: return encoder->grid_plan.decisions;
    case INDEX_DENSITY: return encoder->density_plan.decisions;
    default: return 0;
  }
}

int ctk_encoder_encode(ctk_encoder *encoder, const ctk_encoder_input *input,
                       const uint8_t **bytes, size_t *count) {
  block_plan *plan = malloc(sizeof *plan);
  if (plan == NULL) return CTK_CODER_NO_MEMORY;
  int status = CTK_CODER_NO_MEMORY;
  block_grid grid = grid_of(&input->run, input->width);
  size_t capacity = most_words(input, &grid);
  uint32_t *words = scratch_reserve(&encoder->words, capacity * sizeof *words);
  if (words != NULL && plan_lines(&encoder->lines, input, &plan->lines) &&
      plan_positions(encoder, input, plan) && plan_values(encoder, input, plan)) {
    plan->lanes_log =
        lanes_log_for(plan->index_bits + plan->value_bits, decisions_of(encoder, plan));
    write_head(encoder, input, plan);
    rans_encoder rans;
    rans_start(&rans, 1u << plan->lanes_log, words + capacity);
    encode_words(encoder, input, plan, &rans);
    size_t word_count = (size_t)(words + capacity - rans.next);
    coder_buffer *output = &encoder->output;
    if (buffer_reserve(output, 8 * (size_t)rans.lanes + 4 * word_count)) {
      uint8_t *next = output->bytes + output->count;
      for (unsigned lane = 0; lane < rans.lanes; lane++, next += 8) {
        store_u32(next, (uint32_t)rans.state[lane]);
        store_u32(next + 4, (uint32_t)(rans.state[lane] >> 32));
      }
      for (size_t i = 0; i < word_count; i++, next += 4) store_u32(next, rans.next[i]);
      output->count = (size_t)(next - output->bytes);
      *bytes = output->bytes;
      *count = output->count;
      status = CTK_CODER_OK;
    }
  }
  free(plan);
  return status;
}
