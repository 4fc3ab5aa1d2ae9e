// Scaled dot-product attention of one head over one sequence.
//
// The probabilities are not kept: backward forms them again from the scores
// and the log of each row's softmax sum. Operands are copied into scratch
// whose rows are padded with zeros to whole vectors, so no loop has a tail.

#if CTK_LANES == 16
#include "ctk_lanes.h"
#include "ctk_transpose.h"
#endif

// Rows of the blocks that stay in registers, two vectors wide.
#define CTK_BLOCK_ROWS (CTK_LANES == 16 ? 8 : 6)

CTK_INLINE ptrdiff_t padded(ptrdiff_t count) {
  return (count + CTK_LANES - 1) / CTK_LANES * CTK_LANES;
}

// C[rows, columns] = A B with A(i, k) = a[i * a_row + k * a_column]; B and C are
// row-major with padded columns.
CTK_INLINE void multiply_block(const float *a, ptrdiff_t a_row, ptrdiff_t a_column, const float *b,
                               ptrdiff_t b_row, float *c, ptrdiff_t c_row, ptrdiff_t depth,
                               const int rows, const int vectors) {
  vf sum[CTK_BLOCK_ROWS][2];
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < vectors; j++) sum[i][j] = splat(0.0f);
  for (ptrdiff_t k = 0; k < depth; k++) {
    const float *br = b + k * b_row, *ak = a + k * a_column;
    vf right[2];
    for (int j = 0; j < vectors; j++) right[j] = load(br + j * CTK_LANES);
    for (int i = 0; i < rows; i++) {
      vf left = splat(ak[i * a_row]);
      for (int j = 0; j < vectors; j++) sum[i][j] = fma_(left, right[j], sum[i][j]);
    }
  }
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < vectors; j++) store(c + i * c_row + j * CTK_LANES, sum[i][j]);
}

CTK_INLINE void multiply_rows(const float *a, ptrdiff_t a_row, ptrdiff_t a_column, const float *b,
                              ptrdiff_t b_row, float *c, ptrdiff_t c_row, ptrdiff_t columns,
                              ptrdiff_t depth, const int rows) {
  ptrdiff_t j = 0;
  for (; j + 2 * CTK_LANES <= columns; j += 2 * CTK_LANES)
    multiply_block(a, a_row, a_column, b + j, b_row, c + j, c_row, depth, rows, 2);
  if (j < columns) multiply_block(a, a_row, a_column, b + j, b_row, c + j, c_row, depth, rows, 1);
}

CTK_INLINE void multiply_all(const float *a, ptrdiff_t a_row, ptrdiff_t a_column, const float *b,
                             ptrdiff_t b_row, float *c, ptrdiff_t c_row, ptrdiff_t rows,
                             ptrdiff_t columns, ptrdiff_t depth) {
  if (rows < CTK_BLOCK_ROWS) {
    for (ptrdiff_t i = 0; i < rows; i++)
      multiply_rows(a + i * a_row, a_row, a_column, b, b_row, c + i * c_row, c_row, columns,
                    depth, 1);
    return;
  }
  for (ptrdiff_t i = 0; i < rows; i += CTK_BLOCK_ROWS) {
    // The last block begins early enough to be whole, and forms some rows again.
    ptrdiff_t first = at_most(i, rows - CTK_BLOCK_ROWS);
    multiply_rows(a + first * a_row, a_row, a_column, b, b_row, c + first * c_row, c_row, columns,
                  depth, CTK_BLOCK_ROWS);
  }
}

// One of A's strides is 1, and a constant in a loop of its own.
static void multiply(const float *a, ptrdiff_t a_row, ptrdiff_t a_column, const float *b,
                     ptrdiff_t b_row, float *c, ptrdiff_t c_row, ptrdiff_t rows, ptrdiff_t columns,
                     ptrdiff_t depth) {
  if (a_column == 1) multiply_all(a, a_row, 1, b, b_row, c, c_row, rows, columns, depth);
  else multiply_all(a, 1, a_column, b, b_row, c, c_row, rows, columns, depth);
}

CTK_INLINE void copy_padded(const float *source, ptrdiff_t stride, ptrdiff_t rows,
                            ptrdiff_t columns, float *target) {
  ptrdiff_t width = padded(columns);
  for (ptrdiff_t i = 0; i < rows; i++) {
    FOR_LANES(j, n, columns) store(target + i * width + j, get(source + i * stride + j, n));
  }
}

// target[column, row] = source[row, column], its rows padded with zeros to `width` floats,
// which are whole vectors.
#if CTK_LANES == 16
CTK_INLINE __m512i row_of_block(const float *source, ptrdiff_t columns) {
  return (__m512i)_mm512_maskz_loadu_ps(lanes(columns), source);
}

static void copy_transposed(const float *source, ptrdiff_t stride, ptrdiff_t rows,
                            ptrdiff_t columns, float *target, ptrdiff_t width) {
  for (ptrdiff_t j = 0; j < columns; j += 16)
    for (ptrdiff_t i = 0; i < width; i += 16) {
      __m512i block[16];
      for (int t = 0; t < 16; t++)
        block[t] = i + t < rows ? row_of_block(source + (i + t) * stride + j, columns - j)
                                : _mm512_setzero_si512();
      transpose(block);
      ptrdiff_t count = at_most(columns - j, 16);
      for (ptrdiff_t t = 0; t < count; t++)
        _mm512_storeu_si512(target + (j + t) * width + i, block[t]);
    }
}
#else
static void copy_transposed(const float *source, ptrdiff_t stride, ptrdiff_t rows,
                            ptrdiff_t columns, float *target, ptrdiff_t width) {
  for (ptrdiff_t j = 0; j < columns; j++) {
    for (ptrdiff_t i = 0; i < rows; i++) target[j * width + i] = source[i * stride + j];
    for (ptrdiff_t i = rows; i < width; i++) target[j * width + i] = 0;
  }
}
#endif

CTK_INLINE void copy_back(const float *source, ptrdiff_t rows, ptrdiff_t columns, float *target,
                          ptrdiff_t stride) {
  ptrdiff_t width = padded(columns);
  for (ptrdiff_t i = 0; i < rows; i++)
    FOR_LANES(j, n, columns) put(target + i * stride + j, load(source + i * width + j), n);
}

// target[rows, columns] = A B, by way of `padded_result` where the target's rows are no whole
// vectors.
static void multiply_into(float *target, ptrdiff_t stride, const float *a, ptrdiff_t a_row,
                          ptrdiff_t a_column, const float *b, ptrdiff_t rows, ptrdiff_t columns,
                          ptrdiff_t depth, float *padded_result) {
  ptrdiff_t width = padded(columns);
  if (width == columns) {
    multiply(a, a_row, a_column, b, width, target, stride, rows, width, depth);
  } else {
    multiply(a, a_row, a_column, b, width, padded_result, width, rows, width, depth);
    copy_back(padded_result, rows, columns, target, stride);
  }
}

CTK_INLINE float dot_product(const float *x, const float *y, ptrdiff_t count) {
  vf sum = splat(0.0f);
  FOR_LANES(i, n, count) sum = fma_(get(x + i, n), get(y + i, n), sum);
  return horizontal_sum(sum);
}

CTK_INLINE vi lanes_below(ptrdiff_t first, ptrdiff_t limit) {
  return (vi)(index_from((uint32_t)first) < (uint32_t)limit);
}

// Softmax of each row of scaled scores, in place, with dropout on the result.
// Rows are `pitch` floats apart, at least padded(length).
static void softmax_rows(const ctk_attention_head *head, float *scores, ptrdiff_t pitch,
                         float *log_sum) {
  ptrdiff_t length = head->length, width = padded(length);
  for (ptrdiff_t i = 0; i < head->query_count; i++) {
    float *row = scores + i * pitch;
    vf largest = splat(-INFINITY);
    for (ptrdiff_t j = 0; j < width; j += CTK_LANES) {
      vf s = load(row + j) * head->score_scale;
      s = select_(lanes_below(j, length), s, splat(-INFINITY));
      store(row + j, s);
      largest = max_(largest, s);
    }
    float top = horizontal_max(largest);
    vf sum = splat(0.0f);
    for (ptrdiff_t j = 0; j < width; j += CTK_LANES) {
      vf e = exp_(load(row + j) - top);
      store(row + j, e);
      sum += e;
    }
    float total = horizontal_sum(sum);
    log_sum[i] = top + logf(total);
    float inverse = 1.0f / total;
    uint32_t first = head->dropout_base + (uint32_t)(i * length);
    for (ptrdiff_t j = 0; j < width; j += CTK_LANES) {
      vf p = load(row + j) * inverse;
      if (head->dropout.threshold) p = dropped(p, head->dropout, first + (uint32_t)j);
      store(row + j, p);
    }
  }
}

// Fetches the columns after those of this head, which are the next one's: rows of one head are
// too far apart for the processor to foresee.
CTK_INLINE void fetch_next_head(const float *rows, ptrdiff_t stride, ptrdiff_t count,
                                ptrdiff_t size) {
  for (ptrdiff_t i = 0; i < count; i++)
    for (ptrdiff_t j = 0; j < size; j += CTK_LINE) fetch_early(rows + i * stride + size + j);
}

static void attention_forward(const ctk_attention_head *head, float *output,
                              ptrdiff_t output_stride, float *log_sum, float *scratch) {
  ptrdiff_t length = head->length, size = head->head_size, queries = head->query_count;
  ptrdiff_t length_width = padded(length), size_width = padded(size);
  float *scores = scratch;
  float *key_columns = scores + length * length_width;
  float *value = key_columns + size * length_width;
  float *result = value + length * size_width;
  fetch_next_head(head->query, head->stride, queries, size);
  fetch_next_head(head->key, head->stride, length, size);
  fetch_next_head(head->value, head->stride, length, size);
  copy_transposed(head->key, head->stride, length, size, key_columns, length_width);
  copy_padded(head->value, head->stride, length, size, value);
  multiply(head->query, head->stride, 1, key_columns, length_width, scores, length_width, queries,
           length_width, size);
  softmax_rows(head, scores, length_width, log_sum);
  multiply_into(output, output_stride, scores, length_width, 1, value, queries, size, length,
                result);
}

// Turns scores into probabilities after dropout (for dvalue) and turns the
// gradient of those into the gradient of the scores, both in place.
static void softmax_backward(const ctk_attention_head *head, const float *output,
                             const float *output_gradient, ptrdiff_t output_stride,
                             const float *log_sum, float *scores, float *gradient,
                             ptrdiff_t pitch) {
  ptrdiff_t length = head->length, width = padded(length);
  for (ptrdiff_t i = 0; i < head->query_count; i++) {
    // sum_j P_ij dP_ij = dO_i . O_i, with dropout as without.
    float dot = dot_product(output + i * output_stride, output_gradient + i * output_stride,
                            head->head_size);
    float *row = scores + i * pitch, *slope = gradient + i * pitch;
    uint32_t first = head->dropout_base + (uint32_t)(i * length);
    for (ptrdiff_t j = 0; j < width; j += CTK_LANES) {
      vf p = exp_(load(row + j) * head->score_scale - log_sum[i]);
      p = select_(lanes_below(j, length), p, splat(0.0f));
      vf d = load(slope + j), used = p;
      if (head->dropout.threshold) {
        vi mask = kept(head->dropout, index_from(first + (uint32_t)j));
        used = select_(mask, p * head->dropout.scale, splat(0.0f));
        d = select_(mask, d * head->dropout.scale, splat(0.0f));
      }
      store(row + j, used);
      store(slope + j, p * (d - dot) * head->score_scale);
    }
  }
}

static void attention_backward(const ctk_attention_head *head, const float *output,
                               const float *output_gradient, ptrdiff_t output_stride,
                               const float *log_sum, float *dquery, float *dkey, float *dvalue,
                               ptrdiff_t gradient_stride, float *scratch) {
  ptrdiff_t length = head->length, size = head->head_size, queries = head->query_count;
  ptrdiff_t length_width = padded(length), size_width = padded(size);
  float *scores = scratch;
  float *gradient = scores + length * length_width;
  float *columns = gradient + length * length_width;
  float *rows = columns + size * length_width;
  float *result = rows + length * size_width;

  fetch_next_head(head->query, head->stride, queries, size);
  fetch_next_head(head->key, head->stride, length, size);
  fetch_next_head(head->value, head->stride, length, size);
  fetch_next_head(output, output_stride, queries, size);
  fetch_next_head(output_gradient, output_stride, queries, size);
  copy_transposed(head->key, head->stride, length, size, columns, length_width);
  multiply(head->query, head->stride, 1, columns, length_width, scores, length_width, queries,
           length_width, size);
  copy_transposed(head->value, head->stride, length, size, columns, length_width);
  multiply(output_gradient, output_stride, 1, columns, length_width, gradient, length_width,
           queries, length_width, size);
  softmax_backward(head, output, output_gradient, output_stride, log_sum, scores, gradient,
                   length_width);

  copy_padded(output_gradient, output_stride, queries, size, rows);
  multiply_into(dvalue, gradient_stride, scores, 1, length_width, rows, length, size, queries,
                result);
  copy_padded(head->key, head->stride, length, size, rows);
  multiply_into(dquery, gradient_stride, gradient, length_width, 1, rows, queries, size, length,
                result);
  copy_padded(head->query, head->stride, queries, size, rows);
  multiply_into(dkey, gradient_stride, gradient, 1, length_width, rows, length, size, queries,
                result);
}
