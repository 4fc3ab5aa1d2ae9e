#include "ctk_scatter.h"

#include <string.h>

// Lines of memory that are asked for ahead of the store.
#define AHEAD 24

// The compiler makes a load and a store of each copy, whatever the alignment.
#define DEFINE(BYTES)                                                                        \
  static void scatter_##BYTES(uint8_t *tile, const uint16_t *positions, const uint8_t *units, \
                              size_t count) {                                                \
    size_t i = 0;                                                                            \
    for (; i + AHEAD < count; i++) {                                                         \
      __builtin_prefetch(tile + (size_t)BYTES * positions[i + AHEAD], 1);                    \
      memcpy(tile + (size_t)BYTES * positions[i], units + BYTES * i, BYTES);                 \
    }                                                                                        \
    for (; i < count; i++) memcpy(tile + (size_t)BYTES * positions[i], units + BYTES * i, BYTES); \
  }                                                                                          \
                                                                                             \
  static void gather_##BYTES(const uint8_t *tile, const uint16_t *positions, uint8_t *units, \
                             size_t count) {                                                 \
    for (size_t i = 0; i < count; i++) {                                                     \
      memcpy(units + BYTES * i, tile + (size_t)BYTES * positions[i], BYTES);                 \
    }                                                                                        \
  }

DEFINE(1)
DEFINE(2)
DEFINE(4)
DEFINE(8)

void ctk_scatter(uint8_t *tile, const uint16_t *positions, const void *units, size_t count,
                 unsigned unit_bytes) {
  switch (unit_bytes) {
    case 1: scatter_1(tile, positions, units, count); break;
    case 2: scatter_2(tile, positions, units, count); break;
    case 4: scatter_4(tile, positions, units, count); break;
    case 8: scatter_8(tile, positions, units, count); break;
    default: break;
  }
}

void ctk_gather(const uint8_t *tile, const uint16_t *positions, void *units, size_t count,
                unsigned unit_bytes) {
  switch (unit_bytes) {
    case 1: gather_1(tile, positions, units, count); break;
    case 2: gather_2(tile, positions, units, count); break;
    case 4: gather_4(tile, positions, units, count); break;
    case 8: gather_8(tile, positions, units, count); break;
    default: break;
  }
}
