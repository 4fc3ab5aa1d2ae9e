// Decisions on places, one lane after the other.
#ifndef DECODER_DECISIONS_H
#define DECODER_DECISIONS_H

#include "decoder_lanes.h"

typedef struct {
  uint32_t probability[RANS_MOST_LANES];
  uint32_t position[RANS_MOST_LANES];
  unsigned waiting;
  // Room for one more than the limit.
  uint32_t *positions;
  uint32_t found;
  uint32_t limit;
} decision_sink;

static inline void take_decisions(rans_decoder *decoder, decision_sink *sink) {
  for (unsigned lane = 0; lane < sink->waiting; lane++) {
    uint64_t state = decoder->state[lane];
    uint32_t slot = (uint32_t)state & ((1u << ODDS_SCALE) - 1);
    uint32_t one = sink->probability[lane];
    uint32_t zero = (1u << ODDS_SCALE) - one;
    uint32_t is_set = slot >= zero;
    uint32_t frequency = is_set ? one : zero;
    state = (state >> ODDS_SCALE) * frequency + slot - (is_set ? zero : 0);
    decoder->state[lane] = rans_refilled(decoder, state);
    // One entry more than the limit is there to be overwritten.
    sink->positions[sink->found < sink->limit ? sink->found : sink->limit] = sink->position[lane];
    sink->found += is_set;
  }
  sink->waiting = 0;
}

static inline void decide(rans_decoder *decoder, decision_sink *sink, uint32_t position,
                          uint32_t probability) {
  sink->position[sink->waiting] = position;
  sink->probability[sink->waiting++] = probability;
  if (sink->waiting == decoder->lanes) take_decisions(decoder, sink);
}

static inline void take_symbols(rans_decoder *decoder, const decoder_table *table,
                                uint32_t count, uint8_t *symbols) {
  for (uint32_t i = 0; i < count; i++) {
    symbols[i] = (uint8_t)take_symbol(decoder, i & (decoder->lanes - 1), table);
  }
}

#endif
