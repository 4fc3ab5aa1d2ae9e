#include "coder_density.h"

#include "coder_vectors.h"

FOR_ALL_VECTORS
static void add_products(int32_t *restrict sums, const int32_t *restrict columns, uint32_t count,
                         int32_t row, unsigned shift) {
  int32_t half = (int32_t)1 << shift >> 1;
  for (uint32_t j = 0; j < count; j++) sums[j] += (row * columns[j] + half) >> shift;
}

FOR_ALL_VECTORS
static void start_sums(int32_t *restrict sums, const int32_t *restrict origin, uint32_t count,
                       int32_t row) {
  for (uint32_t j = 0; j < count; j++) sums[j] = origin[j] + row;
}

FOR_ALL_VECTORS
static void limit_sums(const int32_t *restrict sums, uint32_t count, int32_t highest,
                       uint8_t *restrict levels) {
  for (uint32_t j = 0; j < count; j++) {
    int32_t level = sums[j] < 0 ? 0 : sums[j];
    levels[j] = (uint8_t)(level > highest ? highest : level);
  }
}

void density_levels(const density_shape *shape, const density_columns *columns,
                    unsigned row_class, const int32_t *row_factors, int32_t *sums,
                    uint8_t *levels) {
  uint32_t count = columns->count;
  start_sums(sums, columns->origin, count, (int32_t)(shape->row_step * row_class));
  for (unsigned k = 0; k < shape->factors; k++) {
    if (row_factors[k] == 0) continue;
    add_products(sums, columns->factors + (size_t)k * count, count, row_factors[k],
                 shape->shift[k]);
  }
  limit_sums(sums, count, (int32_t)shape->levels - 1, levels);
}
