#include "coder_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Bytes

uint8_t cursor_byte(coder_cursor *cursor) {
  if (cursor->next == cursor->end) {
    cursor->failed = 1;
    return 0;
  }
  return *cursor->next++;
}

uint32_t cursor_varint(coder_cursor *cursor) {
  uint32_t value = 0;
  for (unsigned shift = 0; shift < 28; shift += 7) {
    uint8_t byte = cursor_byte(cursor);
    value |= (uint32_t)(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  cursor->failed = 1;
  return 0;
}

int buffer_reserve(coder_buffer *buffer, size_t extra) {
  if (buffer->failed) return 0;
  if (buffer->capacity - buffer->count >= extra) return 1;
  size_t capacity = (buffer->count + extra) * 2;
  uint8_t *bytes = realloc(buffer->bytes, capacity);
  if (bytes == NULL) {
    buffer->failed = 1;
    return 0;
  }
  buffer->bytes = bytes;
  buffer->capacity = capacity;
  return 1;
}

void buffer_byte(coder_buffer *buffer, uint8_t byte) {
  if (buffer_reserve(buffer, 1)) buffer->bytes[buffer->count++] = byte;
}

void buffer_varint(coder_buffer *buffer, uint32_t value) {
  for (; value >= 0x80; value >>= 7) buffer_byte(buffer, (uint8_t)(value | 0x80));
  buffer_byte(buffer, (uint8_t)value);
}

// Bits, from the low end of each byte; at most 16 at a time

typedef struct {
  uint32_t bits;
  unsigned count;
} bit_window;

static uint32_t take_bits(coder_cursor *cursor, bit_window *window, unsigned count) {
  while (window->count < count) {
    window->bits |= (uint32_t)cursor_byte(cursor) << window->count;
    window->count += 8;
  }
  uint32_t value = window->bits & (((uint32_t)1 << count) - 1);
  window->bits >>= count;
  window->count -= count;
  return value;
}

static void put_bits(coder_buffer *buffer, bit_window *window, uint32_t value, unsigned count) {
  window->bits |= value << window->count;
  window->count += count;
  for (; window->count >= 8; window->count -= 8, window->bits >>= 8) {
    buffer_byte(buffer, (uint8_t)window->bits);
  }
}

static void flush_bits(coder_buffer *buffer, bit_window *window) {
  if (window->count > 0) buffer_byte(buffer, (uint8_t)window->bits);
}

// Runs of codes from 0 to 126: parameter, first code, Rice-coded steps

#define CODE_LIMIT 127
#define LONGEST_QUOTIENT 256

static void codes_read(coder_cursor *cursor, unsigned count, uint8_t *codes) {
  bit_window window = {0, 0};
  unsigned parameter = take_bits(cursor, &window, 3);
  int code = (int)take_bits(cursor, &window, 7);
  for (unsigned i = 0;; i++) {
    if (code < 0 || code >= CODE_LIMIT) {
      cursor->failed = 1;
      code = 0;
    }
    codes[i] = (uint8_t)code;
    if (i + 1 >= count || cursor->failed) break;
    unsigned quotient = 0;
    while (take_bits(cursor, &window, 1) && quotient < LONGEST_QUOTIENT) quotient++;
    unsigned step = quotient << parameter | take_bits(cursor, &window, parameter);
    code += (step & 1) ? -(int)((step + 1) / 2) : (int)(step / 2);
  }
}

static unsigned step_of(const uint8_t *codes, unsigned i) {
  int step = (int)codes[i] - (int)codes[i - 1];
  return step < 0 ? 2 * (unsigned)-step - 1 : 2 * (unsigned)step;
}

// Bits of the run with the best Rice parameter.
static unsigned codes_cost(const uint8_t *codes, unsigned count, unsigned *parameter) {
  unsigned best = UINT32_MAX;
  for (unsigned candidate = 0; candidate < 7; candidate++) {
    unsigned bits = 10;
    for (unsigned i = 1; i < count; i++) bits += (step_of(codes, i) >> candidate) + 1 + candidate;
    if (bits < best) {
      best = bits;
      *parameter = candidate;
    }
  }
  return best;
}

static void codes_write(coder_buffer *buffer, const uint8_t *codes, unsigned count) {
  unsigned parameter = 0;
  codes_cost(codes, count, &parameter);
  bit_window window = {0, 0};
  put_bits(buffer, &window, parameter, 3);
  put_bits(buffer, &window, codes[0], 7);
  for (unsigned i = 1; i < count; i++) {
    unsigned step = step_of(codes, i);
    for (unsigned quotient = step >> parameter; quotient > 0; quotient--) {
      put_bits(buffer, &window, 1, 1);
    }
    put_bits(buffer, &window, (step & ((1u << parameter) - 1)) << 1, parameter + 1);
  }
  flush_bits(buffer, &window);
}

// Tables

// Quarter octaves: code 1 is 4, code 5 is 8; code 0 is no weight.
static uint32_t weight_of(unsigned code) {
  return code == 0 ? 0 : (uint32_t)(4 + (code - 1) % 4) << ((code - 1) / 4);
}

#define WEIGHT_CODES 64

// Fills in frequencies from weights, of which one at least is not 0.
static void table_normalize(coder_table *table, const uint8_t *codes) {
  uint64_t sum = 0;
  uint32_t used = 0;
  unsigned largest = 0;
  for (unsigned i = 0; i < table->count; i++) {
    sum += weight_of(codes[i]);
    used += codes[i] != 0;
    if (codes[i] > codes[largest]) largest = i;
  }
  uint32_t rest = TABLE_TOTAL;
  for (unsigned i = 0; i < table->count; i++) {
    uint64_t share = (uint64_t)weight_of(codes[i]) * (TABLE_TOTAL - used) / sum;
    table->frequency[i] = codes[i] == 0 ? 0 : (uint16_t)(1 + share);
    rest -= table->frequency[i];
  }
  table->frequency[largest] = (uint16_t)(table->frequency[largest] + rest);
  uint32_t start = 0;
  for (unsigned i = 0; i < table->count; i++) {
    table->start[i] = (uint16_t)start;
    start += table->frequency[i];
  }
}

void table_read(coder_cursor *cursor, unsigned limit, decoder_table *table) {
  uint8_t codes[TABLE_SYMBOLS];
  unsigned first = cursor_byte(cursor);
  unsigned count = cursor_byte(cursor) + 1u;
  table->table.first = first;
  table->table.count = 0;
  if (first + count > limit) cursor->failed = 1;
  if (cursor->failed) return;
  codes[0] = 1;
  if (count > 1) codes_read(cursor, count, codes);
  unsigned largest = 0;
  for (unsigned i = 0; i < count && !cursor->failed; i++) {
    if (codes[i] >= WEIGHT_CODES) cursor->failed = 1;
    if (codes[i] > largest) largest = codes[i];
  }
  if (largest == 0) cursor->failed = 1;
  if (cursor->failed) return;
  table->table.count = count;
  table_normalize(&table->table, codes);
  for (unsigned i = 0; i < count; i++) {
    memset(table->symbol + table->table.start[i], (int)i, table->table.frequency[i]);
  }
}

// The weight code nearest to a count, when the largest count gets the largest code.
static uint8_t weight_code(uint32_t count, uint32_t largest) {
  if (count == 0) return 0;
  double octaves = log2((double)largest / count);
  // Codes beyond 14 octaves below the largest would round to nothing.
  double code = 57 - 4 * octaves;
  return code < 1 ? 1 : (uint8_t)(code + 0.5);
}

static void choose_codes(const uint32_t *counts, unsigned limit, unsigned *first,
                         unsigned *count, uint8_t *codes) {
  unsigned low = limit, high = 0;
  uint32_t largest = 1;
  for (unsigned i = 0; i < limit; i++) {
    if (counts[i] == 0) continue;
    if (low == limit) low = i;
    high = i;
    if (counts[i] > largest) largest = counts[i];
  }
  if (low == limit) low = 0;
  *first = low;
  *count = high - low + 1;
  for (unsigned i = 0; i < *count; i++) codes[i] = weight_code(counts[low + i], largest);
}

void table_write(coder_buffer *buffer, const uint32_t *counts, unsigned limit,
                 coder_table *table) {
  uint8_t codes[TABLE_SYMBOLS];
  choose_codes(counts, limit, &table->first, &table->count, codes);
  buffer_byte(buffer, (uint8_t)table->first);
  buffer_byte(buffer, (uint8_t)(table->count - 1));
  if (table->count > 1) codes_write(buffer, codes, table->count);
  table_normalize(table, codes);
}

double table_cost(const uint32_t *counts, unsigned limit) {
  uint8_t codes[TABLE_SYMBOLS];
  coder_table table;
  choose_codes(counts, limit, &table.first, &table.count, codes);
  table_normalize(&table, codes);
  unsigned parameter = 0;
  double bits = 16;
  if (table.count > 1) bits += codes_cost(codes, table.count, &parameter);
  for (unsigned i = 0; i < table.count; i++) {
    if (counts[table.first + i] == 0) continue;
    bits += counts[table.first + i] * (TABLE_SCALE - log2(table.frequency[i]));
  }
  return bits;
}

// Odds

uint32_t odds_probability(int code) {
  unsigned magnitude = (unsigned)(code < 0 ? -code : code);
  uint32_t weight = (4 + magnitude % 4) << (magnitude / 4);
  uint32_t numerator = code < 0 ? 4 : weight;
  uint32_t probability =
      (uint32_t)(((uint64_t)numerator << ODDS_SCALE) / (weight + (uint64_t)4));
  return probability < 1 ? 1 : probability;
}

void odds_read(coder_cursor *cursor, unsigned count, uint32_t *probabilities) {
  uint8_t codes[LEVEL_LIMIT];
  codes_read(cursor, count, codes);
  for (unsigned i = 0; i < count && !cursor->failed; i++) {
    probabilities[i] = odds_probability((int)codes[i] - ODDS_LIMIT);
  }
}

static void shift_codes(const int *codes, unsigned count, uint8_t *shifted) {
  for (unsigned i = 0; i < count; i++) shifted[i] = (uint8_t)(codes[i] + ODDS_LIMIT);
}

void odds_write(coder_buffer *buffer, const int *codes, unsigned count) {
  uint8_t shifted[LEVEL_LIMIT];
  shift_codes(codes, count, shifted);
  codes_write(buffer, shifted, count);
}

unsigned odds_cost(const int *codes, unsigned count) {
  uint8_t shifted[LEVEL_LIMIT];
  unsigned parameter = 0;
  shift_codes(codes, count, shifted);
  return codes_cost(shifted, count, &parameter);
}
