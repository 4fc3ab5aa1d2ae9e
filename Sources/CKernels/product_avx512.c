// Products of f32 matrices by AVX-512.
//
// The left operand is read where it lies, by rows or by columns, and so are contiguous rows of
// the right one. Where the columns of the right one are contiguous instead, its blocks are
// packed. Operands and results of training come from far away, so all that is read or written
// next is fetched ahead.
#include "ctk_counts.h"
#include "ctk_fetch.h"
#include "ctk_product.h"

#if defined(__x86_64__)
#include <immintrin.h>

// Most of the depth in one block.
#define BLOCK_DEPTH 512

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl"))), apply_to = function)

#include "ctk_lanes.h"
#include "ctk_transpose.h"
#include "ctk_product_tile.h"
#include "ctk_product_pack.h"

_Static_assert(CTK_PRODUCT_SCRATCH >= BLOCK_DEPTH * PANEL, "a panel");

// How a product's right operand is cut into blocks that the second-level cache holds: all steps
// of the depth for some columns, then for the next ones.
typedef struct {
  ctk_operand right;
  ptrdiff_t depth, columns;
  ptrdiff_t steps, groups;
} product_plan;

// A block's place and size in the depth and in the columns.
typedef struct {
  ptrdiff_t k, depth, j, columns;
} product_cut;

// Part of an operand that is multiplied next where it lies.
typedef struct {
  const float *base;
  ptrdiff_t stride, rows, columns;
  // Columns of the first row that are fetched already.
  ptrdiff_t fetched;
} upcoming_block;

// A block of the right operand as tiles read it, and the one after it.
typedef struct {
  const float *base;
  // From one step of the depth to the next, and from one panel to the next.
  ptrdiff_t row, panel;
  ptrdiff_t depth, columns;
  upcoming_block upcoming;
} product_block;

// Where sums start and go; see `product_tile`.
typedef struct {
  const float *start;
  ptrdiff_t start_stride;
  float *result;
  ptrdiff_t stride;
} product_sums;

static product_plan plan_of(ctk_operand right, ptrdiff_t depth, ptrdiff_t columns) {
  ptrdiff_t steps = (depth + BLOCK_DEPTH - 1) / BLOCK_DEPTH;
  ptrdiff_t deepest = (depth + steps - 1) / steps, panels = (columns + PANEL - 1) / PANEL;
  ptrdiff_t most = CTK_PRODUCT_SCRATCH / (deepest * PANEL);
  return (product_plan){right, depth, columns, steps, (panels + most - 1) / most};
}

static product_cut cut(const product_plan *plan, ptrdiff_t block) {
  ptrdiff_t group = block / plan->steps, step = block % plan->steps;
  ptrdiff_t panels = (plan->columns + PANEL - 1) / PANEL;
  ptrdiff_t k = step * plan->depth / plan->steps, j = group * panels / plan->groups * PANEL;
  ptrdiff_t end = at_most(plan->columns, (group + 1) * panels / plan->groups * PANEL);
  return (product_cut){k, (step + 1) * plan->depth / plan->steps - k, j, end - j};
}

static ctk_operand part_of(const product_plan *plan, product_cut cut) {
  ctk_operand right = plan->right;
  right.base += cut.k * right.row + cut.j * right.column;
  return right;
}

// Rows that lie whole pages apart have their lines in a few sets of a cache.
static int is_read_well(ctk_operand right) {
  return right.column == 1 && right.row % CTK_PRODUCT_ALIASING != 0;
}

// A block that is packed, or read where it lies.
static product_block block_of(const product_plan *plan, ptrdiff_t number, float *scratch) {
  product_cut here = cut(plan, number);
  ctk_operand part = part_of(plan, here);
  if (!is_read_well(part)) {
    pack_block(part, here.depth, here.columns, scratch);
    return (product_block){scratch, PANEL, PANEL * here.depth, here.depth, here.columns, {0}};
  }
  product_block block = {part.base, part.row, PANEL, here.depth, here.columns, {0}};
  if (number + 1 < plan->steps * plan->groups) {
    product_cut next = cut(plan, number + 1);
    block.upcoming =
        (upcoming_block){part_of(plan, next).base, part.row, next.depth, next.columns, 0};
  }
  return block;
}

// Fetches the next `count` vectors into the second-level cache.
static inline void fetch_upcoming(upcoming_block *block, ptrdiff_t count) {
  for (; count > 0 && block->rows > 0; count--) {
    fetch_early(block->base + block->fetched);
    block->fetched += VECTOR;
    if (block->fetched >= block->columns) {
      block->fetched = 0;
      block->base += block->stride;
      block->rows--;
    }
  }
}

// The tile of some rows and a panel's columns, and where the one after it lies.
static product_tile tile_of(ctk_operand left, const product_block *block, product_sums sums,
                            ptrdiff_t row, ptrdiff_t height, ptrdiff_t column) {
  float *result = sums.result + row * sums.stride + column;
  const float *next_strip = sums.result + (row + height) * sums.stride;
  return (product_tile){
      .left = left.base + row * left.row,
      .row = left.row,
      .step = left.column,
      .right = block->base + column / PANEL * block->panel,
      .right_row = block->row,
      .depth = block->depth,
      .start = sums.start ? sums.start + row * sums.start_stride + column : 0,
      .start_stride = sums.start_stride,
      .result = result,
      .stride = sums.stride,
      .columns = at_most(block->columns - column, PANEL),
      .next = column + PANEL < block->columns ? result + PANEL : next_strip,
  };
}

// All rows times one block.
static void multiply_block(ctk_operand left, ptrdiff_t rows, product_block *block,
                           product_sums sums) {
  ptrdiff_t strips = (rows + TILE_ROWS - 1) / TILE_ROWS;
  ptrdiff_t tile_count = strips * ((block->columns + PANEL - 1) / PANEL);
  ptrdiff_t vectors = (block->upcoming.columns + VECTOR - 1) / VECTOR * block->upcoming.rows;
  for (ptrdiff_t s = 0; s < strips; s++) {
    // Strips of nearly the same height, because a low tile waits for its sums.
    ptrdiff_t first = s * rows / strips, height = (s + 1) * rows / strips - first;
    for (ptrdiff_t j = 0; j < block->columns; j += PANEL) {
      product_tile tile = tile_of(left, block, sums, first, height, j);
      fetch_upcoming(&block->upcoming, vectors / tile_count + 1);
      tiles[height][tile.columns > VECTOR](&tile);
    }
  }
}

void ctk_product_avx512(ctk_operand left, ctk_operand right, ptrdiff_t rows, ptrdiff_t columns,
                        ptrdiff_t depth, const float *start, ptrdiff_t start_stride,
                        float *result, ptrdiff_t stride, float *scratch) {
  product_plan plan = plan_of(right, depth, columns);
  for (ptrdiff_t number = 0; number < plan.steps * plan.groups; number++) {
    product_cut here = cut(&plan, number);
    product_block block = block_of(&plan, number, scratch);
    ctk_operand left_part = {left.base + here.k * left.column, left.row, left.column};
    product_sums sums = {start ? start + here.j : 0, start_stride, result + here.j, stride};
    if (here.k) sums.start = sums.result, sums.start_stride = stride;
    multiply_block(left_part, rows, &block, sums);
  }
}

#pragma clang attribute pop
#endif
