// Decodes damaged blocks of the codec context, for sanitizers to watch:
//
//   clang -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
//     -I../../Sources/CPatchCoder/include fuzz.c ../../Sources/CPatchCoder/*.c -lm -o fuzz
//   ./fuzz SEED CASES

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
} sample;

static uint32_t ordered(uint32_t bits) { return bits >> 31 ? ~bits : bits | 0x80000000u; }

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
  for (uint32_t i = 0; i < units; i++) {
    if (next() % one_in != 0 && count > 0) continue;
    if (made.run.is_f32) {
      float before = (float)((double)(int64_t)next() / 1e20);
      float after = before + (float)((double)(int64_t)next() / 4e21);
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
  ctk_encoder_input input = {made.run, 1 + (uint32_t)next() % units, positions, count,
                             differences, made.source, 0};
  if (kind % 5 == 0 && made.run.is_f32) input.width = 32;
  const uint8_t *encoded;
  if (ctk_encoder_encode(encoder, &input, &encoded, &made.count) != CTK_CODER_OK) abort();
  made.bytes = malloc(made.count);
  memcpy(made.bytes, encoded, made.count);
  uint32_t *found = malloc(units * sizeof *found);
  uint8_t *values = malloc((size_t)units * bytes);
  if (ctk_block_decode(made.bytes, made.count, &made.run, made.source, 0, found, values, NULL) !=
          CTK_CODER_OK ||
      memcmp(values, differences, (size_t)count * bytes) != 0) {
    abort();
  }
  free(positions);
  free(differences);
  free(found);
  free(values);
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
    status = ctk_block_decode(copy, count, &from->run, from->source, (int)(next() & 1),
                              positions, values, NULL);
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
      accepted += decode(&subject, damaged, count) == CTK_CODER_OK;
    }
    free(damaged);
    free(subject.bytes);
    free(subject.source);
  }
  ctk_encoder_destroy(encoder);
  printf("%llu cases, %llu decoded to something\n", (unsigned long long)cases,
         (unsigned long long)accepted);
  return 0;
}
