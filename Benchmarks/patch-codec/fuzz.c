// Decodes damaged blocks of the codec context, for sanitizers to watch:
//
//   clang -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
//     $(printf ' -I%s' ../../Sources/CPatchCoder/*/) fuzz.c ../../Sources/CPatchCoder/*/*.c -lm -o fuzz
//   ./fuzz SEED CASES

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctk_patch_coder.h"

static uint64_t state;

static uint64_t next(void) {
  state += 0x9E3779B97F4A7C15ull;
  uint64_t mixed = state;
  mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9ull;
  mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBull;
  return mixed ^ mixed >> 31;
}

typedef struct {
  ctk_coder_run run;
  uint8_t *source;
  uint8_t *bytes;
  size_t count;
  uint32_t *mask;
  uint32_t mask_count;
} sample;

static ctk_decoder_input block_of(const sample *from, const uint8_t *bytes, size_t count,
                                  int is_target) {
  return (ctk_decoder_input){.bytes = bytes,
                             .byte_count = count,
                             .run = from->run,
                             .source = from->source,
                             .is_target = is_target,
                             .mask = from->mask,
                             .mask_count = from->mask_count};
}

static uint32_t ordered(uint32_t bits) { return bits >> 31 ? ~bits : bits | 0x80000000u; }

static uint32_t unordered(uint32_t bits) { return bits >> 31 ? bits & 0x7fffffffu : ~bits; }

// The units after the change.
static uint32_t *tuned_of(const sample *made, const ctk_encoder_input *input,
                          const uint8_t *differences) {
  uint32_t *tuned = malloc(4 * (size_t)made->run.units);
  memcpy(tuned, made->source, 4 * (size_t)made->run.units);
  for (uint32_t i = 0; i < input->count; i++) {
    uint32_t *unit = tuned + input->positions[i], difference;
    memcpy(&difference, differences + 4 * (size_t)i, 4);
    *unit = unordered(ordered(*unit) + difference);
  }
  return tuned;
}

// Rounds the changes of a block in place; those that vanish stay as differences of 0.
static ctk_block_rounding rounded(const sample *made, const ctk_encoder_input *input,
                                  uint8_t *steps, uint8_t *differences) {
  uint32_t units = made->run.units;
  uint32_t *tuned = tuned_of(made, input, differences), *target = malloc(4 * (size_t)units);
  ctk_rounding_form form = next() % 2 ? CTK_ROUNDING_STEPS : CTK_ROUNDING_SHORT;
  ctk_rounding_input round = {made->source, (uint8_t *)tuned, units, units, form,
                              ldexp(1, -(int)(next() % 40))};
  ctk_rounding_result result;
  if (ctk_round_changes(&round, (uint8_t *)target, steps, &result) != CTK_CODER_OK) abort();
  for (uint32_t i = 0; i < input->count; i++) {
    uint32_t before, difference;
    memcpy(&before, made->source + 4 * (size_t)input->positions[i], 4);
    difference = ordered(target[input->positions[i]]) - ordered(before);
    memcpy(differences + 4 * (size_t)i, &difference, 4);
  }
  // One row has been rounded: all rows of the grid share its step.
  memset(steps, steps[0], units);
  free(tuned);
  free(target);
  return (ctk_block_rounding){form, result.grid, steps};
}

// Ends the program unless the block leads from either side to the other.
static void check(const sample *made, const ctk_encoder_input *input,
                  const uint8_t *differences) {
  size_t bytes = made->run.unit_bytes;
  uint32_t *tuned = made->run.is_f32 ? tuned_of(made, input, differences) : NULL;
  uint32_t *found = malloc(made->run.units * sizeof *found);
  uint8_t *values = malloc(made->run.units * bytes);
  for (int is_target = 0; is_target <= (tuned != NULL); is_target++) {
    ctk_decoder_input block = block_of(made, made->bytes, made->count, is_target);
    if (is_target) block.source = (const uint8_t *)tuned;
    if (ctk_block_decode(&block, found, values, NULL) != CTK_CODER_OK ||
        memcmp(values, differences, input->count * bytes) != 0) {
      abort();
    }
  }
  free(tuned);
  free(found);
  free(values);
}

// A change of some size, often of a number with another exponent.
static float changed(float before) {
  double change = ldexp((double)(int64_t)next(), -60 - (int)(next() % 30));
  return next() % 4 == 0 ? (float)(change / 16) : (float)(before + change);
}

// Width of blocks whose coded units are where row and column agree.
#define PATTERN_WIDTH 32

static int agrees(uint64_t unit) {
  return (unit / PATTERN_WIDTH % 7 < 3) == (unit % PATTERN_WIDTH % 5 < 2) || next() % 50 == 0;
}

// A block of some width, dtype and density.
static sample make(ctk_encoder *encoder, unsigned kind) {
  static const uint32_t widths[] = {1, 2, 4, 8};
  sample made = {.run = {next() % 3 * 37, 40 + (uint32_t)next() % 900, widths[kind % 4],
                         kind % 4 == 2}};
  uint32_t units = made.run.units, bytes = made.run.unit_bytes, count = 0;
  uint32_t *positions = malloc(units * sizeof *positions);
  uint8_t *differences = calloc(units, bytes);
  made.source = malloc((size_t)units * bytes);
  for (size_t i = 0; i < (size_t)units * bytes; i++) made.source[i] = (uint8_t)next();
  unsigned one_in = kind / 4 % 3 == 0 ? 1 : kind / 4 % 3 == 1 ? 3 : 40;
  int is_patterned = kind % 5 == 0 || kind % 5 == 1;
  for (uint32_t i = 0; i < units; i++) {
    int is_coded = is_patterned ? agrees(made.run.first + i) : next() % one_in == 0;
    if (!is_coded && count > 0) continue;
    if (made.run.is_f32) {
      float before = (float)((double)(int64_t)next() / 1e20);
      float after = changed(before);
      uint32_t bits[2];
      memcpy(bits, &before, 4);
      memcpy(bits + 1, &after, 4);
      uint32_t difference = ordered(bits[1]) - ordered(bits[0]);
      memcpy(made.source + 4 * (size_t)i, bits, 4);
      memcpy(differences + 4 * (size_t)count, &difference, 4);
    } else {
      uint64_t difference = next() >> next() % 64;
      memcpy(differences + (size_t)bytes * count, &difference, bytes);
    }
    positions[count++] = i;
  }
  ctk_encoder_input input = {.run = made.run,
                             .width = 1 + (uint32_t)next() % units,
                             .positions = positions,
                             .count = count,
                             .is_masked = kind % 7 == 0,
                             .differences = differences,
                             .source = made.source};
  if (is_patterned) input.width = PATTERN_WIDTH;
  uint8_t *steps = malloc(units);
  if (made.run.is_f32 && next() % 2 == 0) {
    input.rounding = rounded(&made, &input, steps, differences);
    count = input.count;
  }
  const uint8_t *encoded;
  if (ctk_encoder_encode(encoder, &input, &encoded, &made.count) != CTK_CODER_OK) abort();
  made.bytes = malloc(made.count);
  memcpy(made.bytes, encoded, made.count);
  made.mask = positions;
  made.mask_count = count;
  check(&made, &input, differences);
  free(steps);
  free(differences);
  return made;
}

static int decode(const sample *from, const uint8_t *bytes, size_t count) {
  // Exact copies, so that a sanitizer sees every byte too far.
  uint8_t *copy = malloc(count > 0 ? count : 1);
  memcpy(copy, bytes, count);
  ctk_block_head head;
  int status = ctk_block_read_head(copy, count, &from->run, &head);
  if (status == CTK_CODER_OK) {
    uint32_t *positions = malloc((size_t)head.count * sizeof *positions);
    uint8_t *values = malloc((size_t)head.count * from->run.unit_bytes);
    ctk_decoder_input block = block_of(from, copy, count, (int)(next() & 1));
    status = ctk_block_decode(&block, positions, values, NULL);
    free(positions);
    free(values);
  }
  free(copy);
  return status;
}

int main(int arguments, char **values) {
  if (arguments != 3) return 64;
  state = strtoull(values[1], NULL, 10);
  uint64_t cases = strtoull(values[2], NULL, 10), accepted = 0;
  ctk_encoder *encoder = ctk_encoder_create();
  for (uint64_t done = 0; done < cases;) {
    sample subject = make(encoder, (unsigned)next() % 60);
    uint8_t *damaged = malloc(subject.count + 8);
    for (unsigned turn = 0; turn < 250 && done < cases; turn++, done++) {
      size_t count = subject.count;
      memcpy(damaged, subject.bytes, count);
      for (uint64_t edits = 1 + next() % 5; edits > 0; edits--) {
        size_t place = next() % (next() & 1 ? count : (count < 48 ? count : 48));
        damaged[place] = next() & 1 ? (uint8_t)next() : damaged[place] ^ (uint8_t)(1 << next() % 8);
      }
      if (next() % 4 == 0) count -= next() % count;
      // No writer makes value form 3 any more; its head is that of form 6.
      if (damaged[0] >> 3 == 6 && next() % 4 == 0) damaged[0] = (uint8_t)(3 << 3 | (damaged[0] & 7));
      accepted += decode(&subject, damaged, count) == CTK_CODER_OK;
    }
    free(damaged);
    free(subject.bytes);
    free(subject.source);
    free(subject.mask);
  }
  ctk_encoder_destroy(encoder);
  printf("%llu cases, %llu decoded to something\n", (unsigned long long)cases,
         (unsigned long long)accepted);
  return 0;
}
