// Writing the changed units of a tensor, as fast as memory allows.
#ifndef CTK_SCATTER_H
#define CTK_SCATTER_H

#include <stddef.h>
#include <stdint.h>

// Units of a tile; positions within it have 16 bits.
#define CTK_TILE_SHIFT 16

// Writes `count` units of 1, 2, 4 or 8 bytes to their positions in a tile.
//
// tile: the tile's first byte. units: in the byte order of the tile.
void ctk_scatter(uint8_t *tile, const uint16_t *positions, const void *units, size_t count,
                 unsigned unit_bytes);

// Reads units from their positions.
void ctk_gather(const uint8_t *tile, const uint16_t *positions, void *units, size_t count,
                unsigned unit_bytes);

#endif
