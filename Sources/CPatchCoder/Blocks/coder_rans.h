// Interleaved range asymmetric numeral systems (formats/context.md section 4).
//
// A state lies in [2^31, 2^63) and gives or takes 32-bit words.
#ifndef CODER_RANS_H
#define CODER_RANS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define RANS_FLOOR ((uint64_t)1 << 31)
#define RANS_MOST_LANES 256
// Most bits that one raw piece holds.
#define RANS_PIECE_BITS 30

static inline uint32_t load_u32(const uint8_t *bytes) {
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
         (uint32_t)bytes[3] << 24;
}

static inline uint64_t load_u64(const uint8_t *bytes) {
  return (uint64_t)load_u32(bytes) | (uint64_t)load_u32(bytes + 4) << 32;
}

static inline void store_u32(uint8_t *bytes, uint32_t value) {
  for (int i = 0; i < 4; i++) bytes[i] = (uint8_t)(value >> (8 * i));
}

// Decoder

typedef struct {
  uint64_t state[RANS_MOST_LANES];
  unsigned lanes;
  const uint8_t *next;
  const uint8_t *end;
  // Set when words are missing or stand for nothing; decoding goes on regardless.
  int failed;
} rans_decoder;

static inline uint64_t rans_refilled(rans_decoder *decoder, uint64_t state) {
  if (state >= RANS_FLOOR) return state;
  if (decoder->end - decoder->next < 4) {
    decoder->failed = 1;
    return RANS_FLOOR;
  }
  state = state << 32 | load_u32(decoder->next);
  decoder->next += 4;
  return state;
}

// Takes `count` raw bits, at most RANS_PIECE_BITS.
static inline uint32_t rans_take_bits(rans_decoder *decoder, unsigned lane, unsigned count) {
  uint64_t state = decoder->state[lane];
  uint32_t value = (uint32_t)state & (((uint32_t)1 << count) - 1);
  decoder->state[lane] = rans_refilled(decoder, state >> count);
  return value;
}

// Whether all is used up and the states are those an encoder starts from.
static inline int rans_is_finished(const rans_decoder *decoder) {
  if (decoder->failed || decoder->next != decoder->end) return 0;
  for (unsigned lane = 0; lane < decoder->lanes; lane++) {
    if (decoder->state[lane] != RANS_FLOOR) return 0;
  }
  return 1;
}

// Encoder: works from the last item to the first and writes words downwards.

typedef struct {
  uint64_t state[RANS_MOST_LANES];
  unsigned lanes;
  uint32_t *next;
} rans_encoder;

static inline void rans_start(rans_encoder *encoder, unsigned lanes, uint32_t *end) {
  encoder->lanes = lanes;
  encoder->next = end;
  for (unsigned lane = 0; lane < lanes; lane++) encoder->state[lane] = RANS_FLOOR;
}

// Puts a symbol of frequency `frequency` in 2^scale that begins at `start`.
static inline void rans_put(rans_encoder *encoder, unsigned lane, uint32_t start,
                            uint32_t frequency, unsigned scale) {
  uint64_t state = encoder->state[lane];
  if (state >= (uint64_t)frequency << (63 - scale)) {
    *--encoder->next = (uint32_t)state;
    state >>= 32;
  }
  encoder->state[lane] = (state / frequency << scale) + state % frequency + start;
}

static inline void rans_put_bits(rans_encoder *encoder, unsigned lane, uint32_t value,
                                 unsigned count) {
  uint64_t state = encoder->state[lane];
  if (state >= (uint64_t)1 << (63 - count)) {
    *--encoder->next = (uint32_t)state;
    state >>= 32;
  }
  encoder->state[lane] = state << count | value;
}

#endif
