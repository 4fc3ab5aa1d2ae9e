// Attention of one head over one sequence with relative positions, as in
// Transformer-XL and XLNet; docs/math/relative-attention.md derives it.
//
// The score of query i and key j adds a term in the distance i - j to the one
// in the contents. Keys of distances are stored from L - 1 down to 1 - L, so
// row i of the unshifted product [L, 2 L - 1] holds its L scores from column
// L - 1 - i on: the shift is an offset, and a block of rows needs only the
// columns of its band. Backwards the band is read in place: moving one row
// down the shifted gradient and one column right stays at the same distance.

// Rows of a band, and of the blocks that `multiply` keeps in registers.
#define CTK_BAND 6
// Zeros before the first row of a banded gradient, at least CTK_BAND - 1.
#define CTK_LEAD 16

// Floats from row to row of a matrix that is read as bands: the zeros at each
// row's end, CTK_BAND - 1 at least, serve the next row as its left margin.
CTK_INLINE ptrdiff_t banded(ptrdiff_t length) { return padded(length + CTK_BAND - 1); }

// Floats of a transposed row of distance keys, for vectors that start anywhere.
CTK_INLINE ptrdiff_t distance_width(ptrdiff_t length) {
  return padded(2 * length - 1 + CTK_LANES);
}

typedef struct {
  float *scores, *gradient, *columns, *rows, *query, *result, *band, *segments;
} relative_scratch;

CTK_INLINE relative_scratch relative_areas(const ctk_attention_head *head, float *scratch) {
  ptrdiff_t length = head->length, size = padded(head->head_size);
  relative_scratch areas;
  areas.scores = scratch;
  areas.gradient = areas.scores + length * banded(length) + CTK_LEAD;
  areas.columns = areas.gradient + length * banded(length);
  areas.rows = areas.columns + head->head_size * distance_width(length);
  areas.query = areas.rows + 2 * length * size;
  areas.result = areas.query + length * size;
  areas.band = areas.result + (length + CTK_BAND) * size;
  areas.segments = areas.band + CTK_BAND * banded(length) + CTK_LANES;
  return areas;
}

// Queries plus one of their biases, rows padded with zeros.
CTK_INLINE void biased_query(const ctk_attention_head *head, const float *bias, float *query) {
  ptrdiff_t size = head->head_size, width = padded(size);
  copy_padded(head->query, head->stride, head->length, size, query);
  for (ptrdiff_t i = 0; i < head->length; i++)
    for (ptrdiff_t c = 0; c < size; c++) query[i * width + c] += bias[c];
}

CTK_INLINE void band_scores(const float *query, ptrdiff_t size, const float *columns,
                            ptrdiff_t first, ptrdiff_t length, float *band, float *scores,
                            const int rows) {
  ptrdiff_t width = padded(length + rows - 1), pitch = banded(length);
  multiply_rows(query + first * padded(size), padded(size), 1,
                columns + length - first - rows, distance_width(length), band, pitch, width, size,
                rows);
  for (int t = 0; t < rows; t++) {
    const float *source = band + t * pitch + rows - 1 - t;
    float *row = scores + (first + t) * pitch;
    // Lanes past the end are read from the next row and masked by the softmax.
    for (ptrdiff_t j = 0; j < length; j += CTK_LANES)
      store(row + j, load(row + j) + load(source + j));
  }
}

CTK_INLINE void add_segment_scores(const ctk_relative_head *view, const float *query,
                                   const float *segments, float *scores) {
  ptrdiff_t length = view->head.length, size = view->head.head_size;
  for (ptrdiff_t i = 0; i < length; i++) {
    const float *row_query = query + i * padded(size);
    float same = dot_product(row_query, view->segment_embedding, size);
    float other = dot_product(row_query, view->segment_embedding + view->segment_stride, size);
    float *row = scores + i * banded(length);
    for (ptrdiff_t j = 0; j < length; j += CTK_LANES) {
      vi equal = (vi)load(segments + j) == view->segments[i];
      store(row + j, load(row + j) + select_(equal, splat(same), splat(other)));
    }
  }
}

// The sum of the three score terms, before scaling.
static void relative_scores(const ctk_relative_head *view, relative_scratch areas) {
  const ctk_attention_head *head = &view->head;
  ptrdiff_t length = head->length, size = head->head_size, size_width = padded(size);
  biased_query(head, view->content_bias, areas.query);
  copy_transposed(head->key, head->stride, length, size, areas.columns, padded(length));
  multiply(areas.query, size_width, 1, areas.columns, padded(length), areas.scores,
           banded(length), length, padded(length), size);

  biased_query(head, view->distance_bias, areas.query);
  copy_transposed(view->distance_key, view->distance_stride, 2 * length - 1, size, areas.columns,
                  distance_width(length));
  ptrdiff_t i = 0;
  for (; i + CTK_BAND <= length; i += CTK_BAND)
    band_scores(areas.query, size, areas.columns, i, length, areas.band, areas.scores, CTK_BAND);
  for (; i < length; i++)
    band_scores(areas.query, size, areas.columns, i, length, areas.band, areas.scores, 1);

  if (!view->segments) return;
  memset(areas.segments, 0, (size_t)padded(length) * sizeof(float));
  memcpy(areas.segments, view->segments, (size_t)length * sizeof(float));
  biased_query(head, view->segment_bias, areas.query);
  add_segment_scores(view, areas.query, areas.segments, areas.scores);
}

static void relative_attention_forward(const ctk_relative_head *view, float *output,
                                       ptrdiff_t output_stride, float *log_sum, float *scratch) {
  const ctk_attention_head *head = &view->head;
  ptrdiff_t length = head->length, size = head->head_size, size_width = padded(size);
  relative_scratch areas = relative_areas(head, scratch);
  relative_scores(view, areas);
  softmax_rows(head, areas.scores, banded(length), log_sum);
  copy_padded(head->value, head->stride, length, size, areas.rows);
  multiply(areas.scores, banded(length), 1, areas.rows, size_width, areas.result, size_width,
           length, size_width, length);
  copy_back(areas.result, length, size, output, output_stride);
}

// bias += column sums of `rows`, which are also added to the query gradient.
CTK_INLINE void add_query_gradient(const float *rows, const ctk_attention_head *head, float *bias,
                                   float *query, ptrdiff_t stride) {
  ptrdiff_t size = head->head_size, width = padded(size);
  for (ptrdiff_t i = 0; i < head->length; i++)
    for (ptrdiff_t c = 0; c < size; c++) {
      bias[c] += rows[i * width + c];
      query[i * stride + c] += rows[i * width + c];
    }
}

// Gradient of the queries through the distance term: bands of the shifted
// score gradient times the distance keys in their rows.
CTK_INLINE void band_query_gradient(const float *gradient, ptrdiff_t first, ptrdiff_t length,
                                    const float *keys, ptrdiff_t width, float *result,
                                    const int rows) {
  ptrdiff_t pitch = banded(length);
  multiply_rows(gradient + first * pitch - (rows - 1), pitch + 1, 1,
                keys + (length - first - rows) * width, width, result + first * width, width,
                width, length + rows - 1, rows);
}

// Gradient of the keys of `rows` distances, from row `first` on.
CTK_INLINE void band_key_gradient(const float *gradient, ptrdiff_t first, ptrdiff_t length,
                                  const float *query, ptrdiff_t width, float *result,
                                  const int rows) {
  ptrdiff_t pitch = banded(length), top = length - first - rows;
  ptrdiff_t begin = top > 0 ? top : 0;
  ptrdiff_t end = first < length ? length : 2 * length - 1 - first;
  multiply_rows(gradient + begin * (pitch + 1) + first - (length - 1), 1, pitch + 1,
                query + begin * width, width, result, width, width, end - begin, rows);
}

static void distance_gradients(const ctk_relative_head *view, const ctk_relative_gradient *into,
                               relative_scratch areas) {
  const ctk_attention_head *head = &view->head;
  ptrdiff_t length = head->length, size = head->head_size, width = padded(size);
  copy_padded(view->distance_key, view->distance_stride, 2 * length - 1, size, areas.rows);
  ptrdiff_t i = 0;
  for (; i + CTK_BAND <= length; i += CTK_BAND)
    band_query_gradient(areas.gradient, i, length, areas.rows, width, areas.result, CTK_BAND);
  for (; i < length; i++)
    band_query_gradient(areas.gradient, i, length, areas.rows, width, areas.result, 1);
  add_query_gradient(areas.result, head, into->distance_bias, into->query, into->stride);

  biased_query(head, view->distance_bias, areas.query);
  ptrdiff_t r = 0;
  for (; r + CTK_BAND <= 2 * length - 1; r += CTK_BAND) {
    band_key_gradient(areas.gradient, r, length, areas.query, width, areas.result, CTK_BAND);
    copy_back(areas.result, CTK_BAND, size, into->distance_key + r * into->distance_stride,
              into->distance_stride);
  }
  for (; r < 2 * length - 1; r++) {
    band_key_gradient(areas.gradient, r, length, areas.query, width, areas.result, 1);
    copy_back(areas.result, 1, size, into->distance_key + r * into->distance_stride,
              into->distance_stride);
  }
}

static void segment_gradients(const ctk_relative_head *view, const ctk_relative_gradient *into,
                              relative_scratch areas) {
  const ctk_attention_head *head = &view->head;
  ptrdiff_t length = head->length, size = head->head_size, width = padded(size);
  const float *same_row = view->segment_embedding;
  const float *other_row = view->segment_embedding + view->segment_stride;
  float *same_gradient = into->segment_embedding;
  float *other_gradient = into->segment_embedding + into->segment_stride;
  biased_query(head, view->segment_bias, areas.query);
  for (ptrdiff_t i = 0; i < length; i++) {
    const float *row = areas.gradient + i * banded(length), *query = areas.query + i * width;
    vf same_sum = splat(0.0f), other_sum = splat(0.0f);
    for (ptrdiff_t j = 0; j < length; j += CTK_LANES) {
      vi equal = (vi)load(areas.segments + j) == view->segments[i];
      vf slope = load(row + j);
      same_sum += select_(equal, slope, splat(0.0f));
      other_sum += select_(equal, splat(0.0f), slope);
    }
    float same = horizontal_sum(same_sum), other = horizontal_sum(other_sum);
    for (ptrdiff_t c = 0; c < size; c++) {
      same_gradient[c] += same * query[c];
      other_gradient[c] += other * query[c];
      areas.result[i * width + c] = same * same_row[c] + other * other_row[c];
    }
  }
  add_query_gradient(areas.result, head, into->segment_bias, into->query, into->stride);
}

CTK_INLINE void clear(float *values, ptrdiff_t count) {
  memset(values, 0, (size_t)count * sizeof(float));
}

static void relative_attention_backward(const ctk_relative_head *view, const float *output,
                                        const float *output_gradient, ptrdiff_t output_stride,
                                        const float *log_sum, const ctk_relative_gradient *into,
                                        float *scratch) {
  const ctk_attention_head *head = &view->head;
  ptrdiff_t length = head->length, size = head->head_size, width = padded(size);
  ptrdiff_t pitch = banded(length), length_width = padded(length);
  relative_scratch areas = relative_areas(head, scratch);
  relative_scores(view, areas);
  copy_transposed(head->value, head->stride, length, size, areas.columns, length_width);
  multiply(output_gradient, output_stride, 1, areas.columns, length_width, areas.gradient, pitch,
           length, length_width, size);
  softmax_backward(head, output, output_gradient, output_stride, log_sum, areas.scores,
                   areas.gradient, pitch);
  clear(areas.gradient - CTK_LEAD, CTK_LEAD);
  for (ptrdiff_t i = 0; i < length; i++)
    clear(areas.gradient + i * pitch + length, pitch - length);

  copy_padded(output_gradient, output_stride, length, size, areas.rows);
  multiply(areas.scores, 1, pitch, areas.rows, width, areas.result, width, length, width, length);
  copy_back(areas.result, length, size, into->value, into->stride);
  biased_query(head, view->content_bias, areas.query);
  multiply(areas.gradient, 1, pitch, areas.query, width, areas.result, width, length, width,
           length);
  copy_back(areas.result, length, size, into->key, into->stride);

  clear(into->content_bias, size);
  clear(into->distance_bias, size);
  clear(into->segment_bias, size);
  clear(into->segment_embedding, size);
  clear(into->segment_embedding + into->segment_stride, size);
  for (ptrdiff_t i = 0; i < length; i++) clear(into->query + i * into->stride, size);
  copy_padded(head->key, head->stride, length, size, areas.rows);
  multiply(areas.gradient, pitch, 1, areas.rows, width, areas.result, width, length, width,
           length);
  add_query_gradient(areas.result, head, into->content_bias, into->query, into->stride);
  distance_gradients(view, into, areas);
  if (view->segments) segment_gradients(view, into, areas);
}
