// Squared weight gradients, example by example.
//
// An example's gradient of a dense layer is the sum over its tokens t of
// left[t, i] right[t, j]. Only the square is wanted, so a tile of the gradient
// lives in registers from its first token to its square: it never reaches memory.
//
// Operands are packed into slots of 32 bits: a token's float or, with CTK_BF16 set, the
// bfloat16 of two neighbouring tokens of an example.

#if CTK_LANES == 16
#define TILE_ROWS 8
#define TILE_VECTORS 3
#else
#define TILE_ROWS 6
#define TILE_VECTORS 2
#endif
#define TILE_COLUMNS (TILE_VECTORS * CTK_LANES)

#if CTK_BF16
#define SLOT_TOKENS 2
#else
#define SLOT_TOKENS 1
#endif

CTK_INLINE ptrdiff_t slots_of(ptrdiff_t tokens) {
  return (tokens + SLOT_TOKENS - 1) / SLOT_TOKENS;
}

#if CTK_BF16

CTK_INLINE void pack_slots(const float *x, ptrdiff_t stride, ptrdiff_t tokens, ptrdiff_t count,
                           const ptrdiff_t width, float *panel) {
  for (ptrdiff_t t = 0; t < tokens; t += 2, x += 2 * stride, panel += width)
    for (ptrdiff_t j = 0; j < width; j += 16)
      _mm512_mask_storeu_epi32(panel + j, lanes(width - j),
                               row_pairs(x + j, stride, t + 1 < tokens, count - j));
}

// Not by `splat`, whose arithmetic is not for pairs.
CTK_INLINE vf broadcast(const float *slot) { return (vf)_mm512_set1_ps(*slot); }

CTK_INLINE vf multiply_slots(vf left, vf right, vf sum) {
  return (vf)_mm512_dpbf16_ps((__m512)sum, (__m512bh)left, (__m512bh)right);
}

#else

CTK_INLINE void pack_slots(const float *x, ptrdiff_t stride, ptrdiff_t tokens, ptrdiff_t count,
                           const ptrdiff_t width, float *panel) {
  for (ptrdiff_t t = 0; t < tokens; t++, x += stride, panel += width) {
    if (count == width) {
      memcpy(panel, x, (size_t)width * sizeof(float));
    } else {
      memcpy(panel, x, (size_t)count * sizeof(float));
      memset(panel + count, 0, (size_t)(width - count) * sizeof(float));
    }
  }
}

CTK_INLINE vf broadcast(const float *slot) { return splat(*slot); }

CTK_INLINE vf multiply_slots(vf left, vf right, vf sum) { return fma_(left, right, sum); }

#endif

// Packs `count` of `width` neighbouring columns of each token; the others are zero.
CTK_INLINE void pack_panel(const float *x, ptrdiff_t stride, const ptrdiff_t *offsets,
                           ptrdiff_t examples, ptrdiff_t count, const ptrdiff_t width,
                           float *panel) {
  for (ptrdiff_t e = 0; e < examples; e++) {
    ptrdiff_t tokens = offsets[e + 1] - offsets[e];
    pack_slots(x, stride, tokens, count, width, panel);
    x += tokens * stride;
    panel += slots_of(tokens) * width;
  }
}

// The examples whose tokens are packed together, and rows of their gradients.
typedef struct {
  const float *left, *right;  // their first token
  ptrdiff_t left_stride, right_stride, rows, columns;
  const ptrdiff_t *offsets;
  ptrdiff_t examples, slots;
  float *left_panels, *right_panel;
  float *scores;
} fisher_block;

// What is fetched while a tile is formed: memory that later tiles and panels begin with.
typedef struct {
  const float *scores;
  // Columns of a left panel to be packed, a line for each token.
  const float *left;
  ptrdiff_t left_stride;
  // Columns of a right panel to be packed, of a share of the tokens.
  const float *right;
  ptrdiff_t right_stride, tokens;
} tile_fetches;

CTK_INLINE void fetch_scores(const float *scores, ptrdiff_t stride) {
  for (int i = 0; i < TILE_ROWS; i++)
    for (int j = 0; j < TILE_COLUMNS; j += CTK_LINE) fetch_to_write(scores + i * stride + j);
}

// Fetches an example's part of the share, so that fetches are spread over the tile.
CTK_INLINE void fetch_right(const tile_fetches *next, ptrdiff_t example, ptrdiff_t examples) {
  ptrdiff_t end = next->tokens * (example + 1) / examples;
  for (ptrdiff_t t = next->tokens * example / examples; t < end; t++)
    for (int j = 0; j < TILE_COLUMNS; j += CTK_LINE) fetch(next->right + t * next->right_stride + j);
}

// Adds the squares of one whole tile, over all examples.
static void add_tile(const float *left, const float *right, const ptrdiff_t *offsets,
                     ptrdiff_t examples, float *scores, ptrdiff_t stride,
                     const tile_fetches *next) {
  const float *next_left = next->left;
  fetch_scores(next->scores, stride);
  for (ptrdiff_t e = 0; e < examples; e++) {
    vf sum[TILE_ROWS][TILE_VECTORS];
    for (int i = 0; i < TILE_ROWS; i++)
      for (int j = 0; j < TILE_VECTORS; j++) sum[i][j] = splat(0.0f);
    fetch_right(next, e, examples);
    for (ptrdiff_t s = slots_of(offsets[e + 1] - offsets[e]); s > 0; s--) {
      vf row[TILE_VECTORS];
      for (int j = 0; j < TILE_VECTORS; j++) row[j] = load(right + j * CTK_LANES);
      for (int i = 0; i < TILE_ROWS; i++) {
        vf factor = broadcast(left + i);
        for (int j = 0; j < TILE_VECTORS; j++)
          sum[i][j] = multiply_slots(factor, row[j], sum[i][j]);
      }
      left += TILE_ROWS;
      right += TILE_COLUMNS;
      for (int t = 0; t < SLOT_TOKENS; t++, next_left += next->left_stride) fetch(next_left);
    }
    for (int i = 0; i < TILE_ROWS; i++)
      for (int j = 0; j < TILE_VECTORS; j++) {
        float *score = scores + i * stride + j * CTK_LANES;
        store(score, fma_(sum[i][j], sum[i][j], load(score)));
      }
  }
}

// As `add_tile` for a tile of which only some rows and columns exist.
static void add_tile_part(const float *left, const float *right, const ptrdiff_t *offsets,
                          ptrdiff_t examples, float *scores, ptrdiff_t stride, ptrdiff_t rows,
                          ptrdiff_t columns, const tile_fetches *next) {
  float tile[TILE_ROWS * TILE_COLUMNS] = {0};
  for (ptrdiff_t i = 0; i < rows; i++)
    memcpy(tile + i * TILE_COLUMNS, scores + i * stride, (size_t)columns * sizeof(float));
  add_tile(left, right, offsets, examples, tile, TILE_COLUMNS, next);
  for (ptrdiff_t i = 0; i < rows; i++)
    memcpy(scores + i * stride, tile + i * TILE_COLUMNS, (size_t)columns * sizeof(float));
}

// Examples whose tokens are packed together: as many as fit the block, at least one.
static ptrdiff_t examples_of_block(const ptrdiff_t *offsets, ptrdiff_t examples) {
  ptrdiff_t count = 1;
  while (count < examples && offsets[count + 1] - offsets[0] <= CTK_FISHER_TOKENS) count++;
  return count;
}

static ptrdiff_t slots_of_block(const ptrdiff_t *offsets, ptrdiff_t examples) {
  ptrdiff_t slots = 0;
  for (ptrdiff_t e = 0; e < examples; e++) slots += slots_of(offsets[e + 1] - offsets[e]);
  return slots;
}

// What to fetch beside the tile at row `i` and column `j`: the scores of the next one, and of the
// operands the next left panel, which the first column of tiles packs, and this tile's share of
// the next right panel.
static tile_fetches fetches_beside(const fisher_block *block, ptrdiff_t i, ptrdiff_t j) {
  ptrdiff_t tiles = (block->rows + TILE_ROWS - 1) / TILE_ROWS, tile = i / TILE_ROWS;
  ptrdiff_t tokens = block->offsets[block->examples] - block->offsets[0];
  ptrdiff_t first = tokens * tile / tiles, end = tokens * (tile + 1) / tiles;
  bool is_last_row = i + TILE_ROWS >= block->rows;
  bool is_last_column = j + TILE_COLUMNS >= block->columns;
  bool packs_left = j == 0 && !is_last_row;
  const float *scores = block->scores + i * block->columns + j;
  tile_fetches next = {.scores = scores, .left = scores};
  if (!is_last_row) {
    next.scores = scores + TILE_ROWS * block->columns;
  } else if (!is_last_column) {
    next.scores = block->scores + j + TILE_COLUMNS;
  }
  if (packs_left) {
    next.left = block->left + i + TILE_ROWS;
    next.left_stride = block->left_stride;
  }
  if (!is_last_column) {
    next.right = block->right + first * block->right_stride + j + TILE_COLUMNS;
    next.right_stride = block->right_stride;
    next.tokens = end - first;
  }
  return next;
}

static void add_block(const fisher_block *block) {
  const ptrdiff_t *offsets = block->offsets;
  ptrdiff_t rows = block->rows, columns = block->columns, examples = block->examples;
  for (ptrdiff_t j = 0; j < columns; j += TILE_COLUMNS) {
    ptrdiff_t width = at_most(columns - j, TILE_COLUMNS);
    pack_panel(block->right + j, block->right_stride, offsets, examples, width, TILE_COLUMNS,
               block->right_panel);
    for (ptrdiff_t i = 0; i < rows; i += TILE_ROWS) {
      ptrdiff_t height = at_most(rows - i, TILE_ROWS);
      float *left_panel = block->left_panels + i * block->slots;
      if (j == 0)
        pack_panel(block->left + i, block->left_stride, offsets, examples, height, TILE_ROWS,
                   left_panel);
      tile_fetches next = fetches_beside(block, i, j);
      float *tile = block->scores + i * columns + j;
      if (height == TILE_ROWS && width == TILE_COLUMNS)
        add_tile(left_panel, block->right_panel, offsets, examples, tile, columns, &next);
      else
        add_tile_part(left_panel, block->right_panel, offsets, examples, tile, columns, height,
                      width, &next);
    }
  }
}

static void squared_products(const float *left, ptrdiff_t left_stride, ptrdiff_t rows,
                             const float *right, ptrdiff_t right_stride, ptrdiff_t columns,
                             const ptrdiff_t *offsets, ptrdiff_t examples, float *scores,
                             float *scratch) {
  while (examples > 0) {
    ptrdiff_t count = examples_of_block(offsets, examples);
    ptrdiff_t slots = slots_of_block(offsets, count);
    for (ptrdiff_t i = 0; i < rows; i += CTK_FISHER_ROWS) {
      fisher_block block = {
          .left = left + offsets[0] * left_stride + i,
          .right = right + offsets[0] * right_stride,
          .left_stride = left_stride,
          .right_stride = right_stride,
          .rows = at_most(rows - i, CTK_FISHER_ROWS),
          .columns = columns,
          .offsets = offsets,
          .examples = count,
          .slots = slots,
          .right_panel = scratch,
          .left_panels = scratch + slots * TILE_COLUMNS,
          .scores = scores + i * columns,
      };
      add_block(&block);
    }
    offsets += count;
    examples -= count;
  }
}
