// Blocks of the context codec (formats/context.md).
#ifndef CTK_PATCH_CODER_H
#define CTK_PATCH_CODER_H

#include <stddef.h>
#include <stdint.h>

enum ctk_coder_status {
  CTK_CODER_OK = 0,
  // The bytes are none a writer makes.
  CTK_CODER_DAMAGED = 1,
  // A form of a later version.
  CTK_CODER_UNSUPPORTED = 2,
  // The values are coded against a tensor that was not given.
  CTK_CODER_NEEDS_SOURCE = 3,
  CTK_CODER_NO_MEMORY = 4,
  // The positions are those of a mask that was not given, or of another one.
  CTK_CODER_NEEDS_MASK = 5,
  CTK_CODER_WRONG_MASK = 6,
};

// A run of a tensor's units.
typedef struct {
  // Index of the run's first unit in the tensor.
  uint64_t first;
  uint32_t units;
  // 1, 2, 4 or 8.
  uint32_t unit_bytes;
  // Whether units are F32, so that values may be coded as real numbers.
  uint32_t is_f32;
} ctk_coder_run;

// Encoding

// Scratch memory of an encoder, reused from block to block.
typedef struct ctk_encoder ctk_encoder;

// Returns NULL when there is no memory.
ctk_encoder *ctk_encoder_create(void);
void ctk_encoder_destroy(ctk_encoder *encoder);

// How changes were rounded (formats/context.md section 9.4).
typedef enum {
  CTK_ROUNDING_NONE = 0,
  // 8 significant bits.
  CTK_ROUNDING_SHORT = 1,
  // Multiples of a step for each row.
  CTK_ROUNDING_STEPS = 2,
} ctk_rounding_form;

typedef struct {
  ctk_rounding_form form;
  // Numbers are integers of 2^(grid - 149).
  uint32_t grid;
  // For each row of the block's grid the code of its step; NULL for other forms.
  const uint8_t *row_steps;
} ctk_block_rounding;

// What to encode.
typedef struct {
  ctk_coder_run run;
  // Columns of the grid that the units are seen as, at least 1.
  uint32_t width;
  // Coded units, ascending and relative to the run; NULL for all of them.
  const uint32_t *positions;
  // At least 1.
  uint32_t count;
  // Whether the positions are those of a mask that readers have, so that they are not
  // written.
  int is_masked;
  // One difference for each coded unit, words in native byte order; NULL to code
  // positions alone.
  const void *differences;
  // The run's units before the change, little-endian; NULL when there are none.
  const uint8_t *source;
  // How the changes were rounded, if they were; needs the source.
  ctk_block_rounding rounding;
  // Whether to spend about as many bytes as the units have, whatever they are.
  int is_stored;
} ctk_encoder_input;

// Encodes one block; *bytes is valid until the encoder's next call.
int ctk_encoder_encode(ctk_encoder *encoder, const ctk_encoder_input *input,
                       const uint8_t **bytes, size_t *count);

// Decoding

// What a block says about itself before anything is decoded.
typedef struct {
  // Coded units.
  uint32_t count;
  // Whether all units are coded, so that there are no positions.
  uint32_t is_all;
  // Whether the positions are those of a mask.
  uint32_t needs_mask;
  uint32_t has_values;
  // Whether values need the units on one side of the change.
  uint32_t needs_source;
  // Bytes of the block that describe positions, without the shared coded words.
  size_t index_header_bytes;
  size_t value_header_bytes;
  // Bytes before the coded words and their states.
  size_t head_bytes;
} ctk_block_head;

int ctk_block_read_head(const uint8_t *bytes, size_t byte_count, const ctk_coder_run *run,
                        ctk_block_head *head);

// A block to decode, and what it may need.
typedef struct {
  const uint8_t *bytes;
  size_t byte_count;
  ctk_coder_run run;
  // The run's units on one side, little-endian, or NULL; is_target says that it is the
  // side after the change.
  const uint8_t *source;
  int is_target;
  // The mask's positions within the run, ascending and below the run's units, or NULL.
  const uint32_t *mask;
  uint32_t mask_count;
} ctk_decoder_input;

// Decodes a block.
//
// positions: room for head.count numbers, or NULL when all units are coded.
// differences: room for head.count words, or NULL to decode positions alone.
// index_words: receives how many coded words the positions took; may be NULL.
int ctk_block_decode(const ctk_decoder_input *input, uint32_t *positions, void *differences,
                     size_t *index_words);

// Rounding

// A tensor whose changes are to be rounded.
typedef struct {
  // F32 units, little-endian.
  const uint8_t *base;
  const uint8_t *tuned;
  uint64_t units;
  // Units of a row.
  uint64_t width;
  ctk_rounding_form form;
  // The largest step of a row, for CTK_ROUNDING_STEPS.
  double step;
} ctk_rounding_input;

// How large changes are: of those that can be rounded the count, and the sum of the
// binary logarithms of their rows' root mean squares.
typedef struct {
  uint64_t count;
  double octave_sum;
} ctk_change_spread;

// Measures the changes of a tensor; form and step do not matter.
void ctk_measure_changes(const ctk_rounding_input *input, ctk_change_spread *spread);

typedef struct {
  uint32_t grid;
  // Changed units that were rounded, and those that were left as they are because they
  // are not plain numbers or not on the grid.
  uint64_t rounded;
  uint64_t exact;
  double worst_error;
  double error_sum;
} ctk_rounding_result;

// Rounds the changes of a tensor.
//
// target: receives the rounded tensor, little-endian, `units` F32.
// row_steps: for CTK_ROUNDING_STEPS receives a code for each row, otherwise NULL.
// Returns a ctk_coder_status.
int ctk_round_changes(const ctk_rounding_input *input, uint8_t *target, uint8_t *row_steps,
                      ctk_rounding_result *result);

#endif
