// Encoding of blocks: the cheapest forms are chosen, the head is written, then all lists.

#include <stdlib.h>
#include <string.h>

#include "encoder_block.h"

// A grid of classes takes time for every place, so it has to save something.
#define GRID_ADVANTAGE 0.98
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
  free(encoder->contexts.bytes);
  free(encoder->real.items.bytes);
  free(encoder->real.factors.bytes);
  free(encoder->rounded.bytes);
  free(encoder);
}

static int plan_positions(ctk_encoder *encoder, const ctk_encoder_input *input,
                          block_plan *plan) {
  plan->index_form = INDEX_ALL;
  plan->index_bits = 0;
  if (input->is_masked) {
    plan->index_form = INDEX_MASK;
    return 1;
  }
  if (input->positions == NULL || input->count == input->run.units) return 1;
  memset(plan->gap_counts, 0, sizeof plan->gap_counts);
  double bits = 0;
  for (uint32_t i = 0; i < input->count; i++) {
    unsigned bucket = bucket_of(gap_at(input, i));
    plan->gap_counts[bucket]++;
    bits += bucket_bits(bucket);
  }
  plan->index_form = INDEX_GAPS;
  plan->index_bits = bits + table_cost(plan->gap_counts, GAP_BUCKETS);
  if (plan->lines.grid.rows < 2 || plan->lines.grid.width < 2) return 1;
  if (!plan_grid(&encoder->grid, &plan->lines, &encoder->grid_plan)) return 0;
  if (encoder->grid_plan.bits < GRID_ADVANTAGE * plan->index_bits) {
    plan->index_form = INDEX_GRID;
    plan->index_bits = encoder->grid_plan.bits;
  }
  return 1;
}

// Ordered or top values, whichever are smaller.
static int plan_plain_values(ctk_encoder *encoder, const ctk_encoder_input *input,
                             block_plan *plan) {
  unsigned bytes = input->run.unit_bytes, low_bits = 8 * bytes - 8;
  plan->number = scratch_reserve(&encoder->numbers, (size_t)input->count * 9);
  if (plan->number == NULL) return 0;
  plan->symbol = (uint8_t *)(plan->number + input->count);
  uint32_t ordered[TABLE_SYMBOLS] = {0}, top[TABLE_SYMBOLS] = {0};
  double bits = 0;
  for (uint32_t i = 0; i < input->count; i++) {
    uint64_t number = zigzag_word(load_word(input->differences, i, bytes), bytes);
    unsigned bucket = bucket_of(number);
    plan->number[i] = number;
    plan->symbol[i] = (uint8_t)bucket;
    ordered[bucket]++;
    top[number >> low_bits]++;
    bits += bucket_bits(bucket);
  }
  plan->value_form = VALUES_ORDERED;
  plan->value_bits = bits + table_cost(ordered, TABLE_SYMBOLS);
  double top_bits = (double)low_bits * input->count + table_cost(top, TABLE_SYMBOLS);
  if (top_bits < plan->value_bits || input->is_stored) {
    plan->value_form = VALUES_TOP;
    plan->value_bits = top_bits;
    for (uint32_t i = 0; i < input->count; i++) {
      plan->symbol[i] = (uint8_t)(plan->number[i] >> low_bits);
    }
  }
  return 1;
}

static void choose_form(block_plan *plan, unsigned form, double bits, uint64_t *number,
                        uint8_t *symbol) {
  if (bits >= plan->value_bits) return;
  plan->value_form = form;
  plan->value_bits = bits;
  plan->number = number;
  plan->symbol = symbol;
}

// Values that are coded against the base, when they are smaller.
static int plan_sourced_values(ctk_encoder *encoder, const ctk_encoder_input *input,
                               block_plan *plan) {
  if (!input->run.is_f32 || input->source == NULL || input->is_stored) return 1;
  if (input->rounding.form != CTK_ROUNDING_NONE) {
    rounded_plan *rounded = &encoder->rounded_plan;
    if (!plan_rounded(&encoder->rounded, input, &plan->lines, rounded)) return 0;
    unsigned form =
        input->rounding.form == CTK_ROUNDING_STEPS ? VALUES_STEPS : VALUES_SHORT;
    choose_form(plan, form, rounded->bits, rounded->number, rounded->symbol);
    return 1;
  }
  real_plan *real = &encoder->real_plan;
  if (!plan_real(&encoder->real, input, &plan->lines, real)) return 0;
  choose_form(plan, VALUES_SHARED, real->bits, real->number, real->bucket);
  return 1;
}

static int plan_values(ctk_encoder *encoder, const ctk_encoder_input *input,
                       block_plan *plan) {
  plan->value_form = VALUES_NONE;
  plan->value_bits = 0;
  if (input->differences == NULL) return 1;
  if (!plan_plain_values(encoder, input, plan)) return 0;
  if (!plan_sourced_values(encoder, input, plan)) return 0;
  context_plan *context = &encoder->context_plan;
  if (input->is_stored) {
    context->contexts = 1;
    for (unsigned symbol = 0; symbol < TABLE_SYMBOLS; symbol++) context->counts[0][symbol] = 1;
    return 1;
  }
  return plan_contexts(&encoder->contexts, &plan->lines, plan->symbol, TABLE_SYMBOLS, context);
}

static unsigned lanes_log_for(double bits, double decisions) {
  unsigned log = 0;
  while (log < MOST_LANES_LOG && bits >= (double)BITS_PER_LANE * (2 << log)) log++;
  // Decisions are many and cheap: twice the lanes keep their lists shorter.
  return log < MOST_LANES_LOG && decisions > (double)DECISIONS_PER_LANE * (1 << log) ? log + 1
                                                                                      : log;
}

// Headers

static void write_real(coder_buffer *output, const real_plan *real, block_plan *plan) {
  buffer_byte(output, (uint8_t)real->cell_bits);
  buffer_byte(output, (uint8_t)real->grid);
  buffer_byte(output, (uint8_t)real->factor.factors);
  for (unsigned k = 0; k < real->factor.factors; k++) {
    buffer_byte(output, (uint8_t)real->factor_shift[k]);
  }
  if (real->factor.factors > 0) {
    table_write(output, real->row_counts, FACTOR_BUCKETS, &plan->row_factors);
    table_write(output, real->column_counts, FACTOR_BUCKETS, &plan->column_factors);
  }
}

static void write_rounded(coder_buffer *output, const ctk_block_rounding *rounding,
                          const rounded_plan *rounded, block_plan *plan) {
  buffer_byte(output, (uint8_t)rounding->grid);
  if (plan->value_form == VALUES_STEPS) {
    table_write(output, rounded->step_counts, STEP_CODES, &plan->row_steps);
  }
}

static void write_tables(coder_buffer *output, const context_plan *context,
                         block_plan *plan) {
  buffer_byte(output, (uint8_t)context->contexts);
  if (context->contexts > 1) {
    buffer_byte(output, (uint8_t)context->offset);
    table_write(output, context->row_counts, MOST_SCALES, &plan->row_scales);
    table_write(output, context->column_counts, MOST_SCALES, &plan->column_scales);
  }
  for (unsigned i = 0; i < context->contexts; i++) {
    table_write(output, context->counts[i], TABLE_SYMBOLS, &plan->values[i]);
  }
}

static void write_head(ctk_encoder *encoder, const ctk_encoder_input *input,
                       block_plan *plan) {
  coder_buffer *output = &encoder->output;
  output->count = 0;
  output->failed = 0;
  buffer_byte(output, (uint8_t)(plan->index_form | plan->value_form << 3));
  buffer_byte(output, (uint8_t)plan->lanes_log);
  buffer_varint(output, input->width);
  if (plan->index_form != INDEX_ALL) buffer_varint(output, input->count);
  if (plan->index_form == INDEX_GAPS) {
    table_write(output, plan->gap_counts, GAP_BUCKETS, &plan->gaps);
  } else if (plan->index_form == INDEX_GRID) {
    const grid_plan *grid = &encoder->grid_plan;
    table_write(output, grid->row_counts, MOST_CLASSES + 1, &plan->row_classes);
    table_write(output, grid->column_counts, MOST_CLASSES + 1, &plan->column_classes);
    odds_write(output, grid->level_code, grid->levels);
  }
  if (plan->value_form == VALUES_SHARED) write_real(output, &encoder->real_plan, plan);
  if (plan->value_form == VALUES_STEPS || plan->value_form == VALUES_SHORT) {
    write_rounded(output, &input->rounding, &encoder->rounded_plan, plan);
  }
  if (plan->value_form != VALUES_NONE) write_tables(output, &encoder->context_plan, plan);
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
    plan->lanes_log = lanes_log_for(
        plan->index_bits + plan->value_bits,
        plan->index_form == INDEX_GRID ? encoder->grid_plan.decisions : 0);
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
