// Frequency tables and odds (formats/context.md section 6).
#ifndef CODER_TABLE_H
#define CODER_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define TABLE_SCALE 14
#define TABLE_TOTAL ((uint32_t)1 << TABLE_SCALE)
#define TABLE_SYMBOLS 256
// Probabilities of single decisions.
#define ODDS_SCALE 16
#define ODDS_LIMIT 63
#define LEVEL_LIMIT 512

// A bounds-checked position in a block's bytes.
typedef struct {
  const uint8_t *next;
  const uint8_t *end;
  int failed;
} coder_cursor;

uint8_t cursor_byte(coder_cursor *cursor);
uint32_t cursor_varint(coder_cursor *cursor);

// A growing run of bytes.
typedef struct {
  uint8_t *bytes;
  size_t count;
  size_t capacity;
  int failed;
} coder_buffer;

// Makes room for `extra` more bytes; returns 0 when there is no memory.
int buffer_reserve(coder_buffer *buffer, size_t extra);
void buffer_byte(coder_buffer *buffer, uint8_t byte);
void buffer_varint(coder_buffer *buffer, uint32_t value);

// Frequencies of the symbols first ..< first + count; they add up to TABLE_TOTAL.
typedef struct {
  unsigned first;
  unsigned count;
  uint16_t frequency[TABLE_SYMBOLS];
  uint16_t start[TABLE_SYMBOLS];
} coder_table;

// Symbol of each slot, relative to the table's first.
typedef struct {
  coder_table table;
  uint8_t symbol[TABLE_TOTAL];
} decoder_table;

// Reads a table of symbols below `limit`; the cursor fails on a bad one.
void table_read(coder_cursor *cursor, unsigned limit, decoder_table *table);

// Chooses a table for these symbol counts, of which one at least is not 0, and
// appends it.
void table_write(coder_buffer *buffer, const uint32_t *counts, unsigned limit,
                 coder_table *table);

// Bits to code symbols with these counts, with the table itself.
double table_cost(const uint32_t *counts, unsigned limit);

// Probability of a set bit, in 2^-16, for odds of 2^(code / 4).
uint32_t odds_probability(int code);

// Reads codes of `count` levels, at most LEVEL_LIMIT, as probabilities.
void odds_read(coder_cursor *cursor, unsigned count, uint32_t *probabilities);
void odds_write(coder_buffer *buffer, const int *codes, unsigned count);

// Bits that odds_write takes.
unsigned odds_cost(const int *codes, unsigned count);

#endif
