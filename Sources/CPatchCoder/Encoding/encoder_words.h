// What writers of all sections share. Words are written from the last item of a block to
// the first: in the reverse of the order in which they are decoded.
#ifndef ENCODER_WORDS_H
#define ENCODER_WORDS_H

#include "encoder_block.h"

static inline void put_symbol(rans_encoder *encoder, unsigned lane, const coder_table *table,
                              unsigned symbol) {
  unsigned i = symbol - table->first;
  rans_put(encoder, lane, table->start[i], table->frequency[i], TABLE_SCALE);
}

void put_symbols(rans_encoder *encoder, const coder_table *table, const uint8_t *symbols,
                 uint32_t count);

// Number `item` of a list.
typedef uint64_t (*number_source)(const void *context, uint32_t item);

void put_numbers(rans_encoder *encoder, const coder_table *table, unsigned pieces,
                 uint32_t count, number_source source, const void *context);

// The sections of a block, in the order of decoding.
void put_positions(const ctk_encoder *encoder, const ctk_encoder_input *input,
                   const block_plan *plan, rans_encoder *rans);
void put_lines(const ctk_encoder *encoder, const ctk_encoder_input *input,
               const block_plan *plan, rans_encoder *rans);
void put_values(const ctk_encoder *encoder, const ctk_encoder_input *input,
                const block_plan *plan, rans_encoder *rans);

#endif
