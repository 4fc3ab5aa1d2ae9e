// How likely the places of a grid hold coded units (formats/context.md section 7.1).
#ifndef CODER_DENSITY_H
#define CODER_DENSITY_H

#include <stddef.h>
#include <stdint.h>

#define DENSITY_LEVELS 127
#define DENSITY_FACTORS_LIMIT 16
#define MOST_DENSITY_STEP 64
#define MOST_DENSITY_SHIFT 22
// Buckets of factors, which are below 2^11 either way.
#define DENSITY_BUCKETS 44

// Levels are octaves of odds, more or less: what a level stands for is told.
typedef struct {
  unsigned row_step;
  unsigned column_step;
  int32_t lowest;
  unsigned levels;
  unsigned factors;
  unsigned shift[DENSITY_FACTORS_LIMIT];
} density_shape;

// The columns that hold coded units; numbers of factor k begin at k * count.
typedef struct {
  uint32_t count;
  // The step times the class, less the lowest level.
  const int32_t *origin;
  const int32_t *factors;
} density_columns;

// Levels of the places of a row: `sums` is room for as many numbers. `row_factors` has
// one number for each factor.
void density_levels(const density_shape *shape, const density_columns *columns,
                    unsigned row_class, const int32_t *row_factors, int32_t *sums,
                    uint8_t *levels);

#endif
