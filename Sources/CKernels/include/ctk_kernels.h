#ifndef CTK_KERNELS_H
#define CTK_KERNELS_H

#include <stddef.h>
#include <stdint.h>

// Element-wise, normalisation, attention and optimizer kernels.
//
// Every matrix is row-major f32. Letters: T tokens (rows), C columns, L the
// length of one sequence, D the width of one attention head.
// Each kernel exists in several variants of the same source; ctk_kernels()
// returns the table for the processor it runs on.

#ifdef __cplusplus
extern "C" {
#endif

// Plain values that Swift may hand from thread to thread.
#define CTK_SENDABLE __attribute__((swift_attr("@Sendable")))

/// Activation functions, in the order of CTKTensor's `ActivationKernel`.
enum ctk_activation {
  CTK_GELU = 0,
  CTK_GELU_TANH = 1,
  CTK_RELU = 2,
  CTK_SILU = 3,
  CTK_TANH = 4,
};

/// Which entries a dropout site drops: entry i is kept when a hash of
/// (key, i) is at least `threshold`; kept entries are multiplied by `scale`.
/// threshold 0 keeps everything.
typedef struct CTK_SENDABLE {
  uint32_t key0;
  uint32_t key1;
  uint32_t threshold;
  float scale;
} ctk_dropout;

/// Noise on a run of floats: entry i gets `scale` times a number that is a function of
/// (key, i), uniform in -1 ..< 1 or standard normal.
typedef struct CTK_SENDABLE {
  uint32_t key0;
  uint32_t key1;
  float scale;
  int is_normal;
} ctk_noise;

/// Constants of one AdamW step.
typedef struct CTK_SENDABLE {
  float beta1;
  float beta2;
  /// lr / (1 - beta1^t).
  float step_size;
  /// 1 / sqrt(1 - beta2^t).
  float inverse_root_correction;
  float epsilon;
  /// 1 - lr * weight decay, or 1 where nothing decays.
  float decay_factor;
  /// Factor on every gradient, from clipping by the global norm.
  float gradient_scale;
} ctk_adamw;

/// One attention head over one sequence.
typedef struct CTK_SENDABLE {
  /// Rows of width D, `stride` floats apart: keys and values of L tokens, and queries of as
  /// many or fewer of them.
  const float *query;
  ptrdiff_t query_count;
  const float *key;
  const float *value;
  ptrdiff_t stride;
  ptrdiff_t length;
  ptrdiff_t head_size;
  /// 1 / sqrt(D).
  float score_scale;
  ctk_dropout dropout;
  /// Index of the head's first probability among the dropout site's entries.
  uint32_t dropout_base;
} ctk_attention_head;

/// One attention head with relative positions over one sequence. The score of
/// query i and key j is ((q_i + content bias) . k_j + (q_i + distance bias) . d_(i-j)
/// + (q_i + segment bias) . s) * score_scale, s being the first segment embedding when
/// both tokens are of one segment and the second otherwise.
typedef struct CTK_SENDABLE {
  ctk_attention_head head;
  /// Keys d of the distances L - 1, L - 2, ..., 1 - L: 2 L - 1 rows of width D.
  const float *distance_key;
  ptrdiff_t distance_stride;
  /// Width D each.
  const float *content_bias;
  const float *distance_bias;
  const float *segment_bias;
  /// Two rows of width D.
  const float *segment_embedding;
  ptrdiff_t segment_stride;
  /// Segment of each token, or null to leave the term out.
  const int32_t *segments;
} ctk_relative_head;

/// Where the gradients of one relative head go; all are overwritten.
typedef struct CTK_SENDABLE {
  /// Rows of length L and width D, `stride` floats apart.
  float *query;
  float *key;
  float *value;
  ptrdiff_t stride;
  /// 2 L - 1 rows of width D.
  float *distance_key;
  ptrdiff_t distance_stride;
  /// Width D each, summed over the sequence.
  float *content_bias;
  float *distance_bias;
  float *segment_bias;
  /// Two rows of width D, summed over the sequence.
  float *segment_embedding;
  ptrdiff_t segment_stride;
} ctk_relative_gradient;

/// An operand of a product: entry (i, k) is base[i * row + k * column], and one of the two
/// strides is 1.
typedef struct CTK_SENDABLE {
  const float *base;
  ptrdiff_t row;
  ptrdiff_t column;
} ctk_operand;

typedef struct CTK_SENDABLE {
  const char *name;
  /// Floats that the vector registers hold; scratch sizes depend on it.
  int lanes;

  /// result[rows, columns] = start + left[rows, depth] right[depth, columns].
  ///
  /// The sums of row i start with the floats at start + i * start_stride, or with zero where
  /// `start` is null; `start` may be `result`. Sums run along the depth in its order. `scratch`
  /// holds CTK_PRODUCT_SCRATCH floats, aligned to 64 bytes.
  /// Null where a BLAS is to multiply.
  void (*product)(ctk_operand left, ctk_operand right, ptrdiff_t rows, ptrdiff_t columns,
                  ptrdiff_t depth, const float *start, ptrdiff_t start_stride, float *result,
                  ptrdiff_t stride, float *scratch);
  /// y = f(x).
  void (*activation)(const float *x, float *y, ptrdiff_t count, int activation);
  /// dy becomes dy * f'(x); y becomes f(x) again.
  void (*activation_backward)(const float *x, float *dy, float *y, ptrdiff_t count,
                              int activation);
  /// x becomes dropout(x) + residual, then y = gamma * normalised(x) + beta.
  /// Keeps mean and 1/deviation per row. residual may be null.
  void (*dropout_residual_norm)(float *x, const float *residual, const float *gamma,
                                const float *beta, float epsilon, ctk_dropout dropout,
                                ptrdiff_t first_row, ptrdiff_t rows, ptrdiff_t columns, float *y,
                                float *mean, float *rstd);
  /// dy becomes the gradient of the normalised input x.
  void (*norm_backward)(const float *x, const float *mean, const float *rstd,
                        const float *gamma, float *dy, ptrdiff_t rows, ptrdiff_t columns);
  /// dgamma += sum dy * normalised(x), dbeta += sum dy over the rows, which are `stride` floats
  /// apart in x and dy.
  void (*norm_parameter_gradients)(const float *x, const float *mean, const float *rstd,
                                   const float *dy, ptrdiff_t rows, ptrdiff_t columns,
                                   ptrdiff_t stride, float *dgamma, float *dbeta);
  /// y = dropout(x); x and y may be the same.
  void (*dropout)(const float *x, float *y, ctk_dropout dropout, uint32_t first, ptrdiff_t count);
  /// sum += column sums of x.
  void (*column_sums)(const float *x, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride,
                      float *sum);
  /// y += x.
  void (*add)(const float *x, float *y, ptrdiff_t count);
  /// y += x * x.
  void (*add_squares)(const float *x, float *y, ptrdiff_t count);
  /// scores[i, j] += (sum over an example's tokens t of left[t, i] right[t, j])^2 for each
  /// example, whose tokens are offsets[e] ..< offsets[e + 1].
  ///
  /// `left` is [T, rows], `right` is [T, columns] and `scores` [rows, columns].
  /// `scratch` holds `ctk_squared_products_scratch` floats.
  void (*squared_products)(const float *left, ptrdiff_t left_stride, ptrdiff_t rows,
                           const float *right, ptrdiff_t right_stride, ptrdiff_t columns,
                           const ptrdiff_t *offsets, ptrdiff_t examples, float *scores,
                           float *scratch);
  /// Sum of squares in double precision.
  double (*sum_of_squares)(const float *x, ptrdiff_t count);
  /// y[i] = x[positions[i]].
  void (*gather)(const float *x, const uint32_t *positions, float *y, ptrdiff_t count);
  /// y's rows = the columns of x whose bit is set, closed up. Bit c mod 16 of bitmap[c / 16]
  /// stands for column c; x's rows are `stride` and y's `y_stride` floats apart. A row of y
  /// needs room for 16 floats more than there are set bits, and they are overwritten.
  void (*keep_columns)(const float *x, ptrdiff_t rows, ptrdiff_t stride, const uint16_t *bitmap,
                       ptrdiff_t groups, float *y, ptrdiff_t y_stride);
  /// AdamW on consecutive weights.
  void (*adamw)(float *weights, const float *gradient, float *first_moment, float *second_moment,
                ptrdiff_t count, ctk_adamw constants);
  /// w = w * decay - rate * g.
  void (*sgd)(float *weights, const float *gradient, ptrdiff_t count, float rate, float decay);
  /// g += factor * (w - anchor).
  void (*add_pull)(const float *weights, const float *anchor, float factor, float *gradient,
                   ptrdiff_t count);
  /// w = (w - rate * (w - anchor)) * decay.
  void (*pull)(float *weights, const float *anchor, float rate, float decay, ptrdiff_t count);
  /// saved = w; w = anchor + dropout(w - anchor).
  void (*mix)(float *weights, const float *anchor, float *saved, ctk_dropout site,
              uint32_t first, ptrdiff_t count);
  /// x += noise, `first` being the first entry's number.
  void (*add_noise)(float *x, ctk_noise noise, uint32_t first, ptrdiff_t count);
  /// AdamW on the weights at `positions`; gradient and moments are compact.
  void (*adamw_scattered)(float *weights, const uint32_t *positions, const float *gradient,
                          float *first_moment, float *second_moment, ptrdiff_t count,
                          ctk_adamw constants);
  /// output = attention of one head; log_sum keeps the log of each row's softmax sum.
  /// scratch: ctk_attention_scratch(lanes, L, D) floats.
  void (*attention_forward)(const ctk_attention_head *head, float *output, ptrdiff_t output_stride,
                            float *log_sum, float *scratch);
  /// Writes dquery, dkey and dvalue, `gradient_stride` floats a row, from the
  /// gradient of the output and the kept log sums.
  void (*attention_backward)(const ctk_attention_head *head, const float *output,
                             const float *output_gradient, ptrdiff_t output_stride,
                             const float *log_sum, float *dquery, float *dkey, float *dvalue,
                             ptrdiff_t gradient_stride, float *scratch);
  /// The same for a head with relative positions.
  /// scratch: ctk_relative_attention_scratch(lanes, L, D) floats.
  void (*relative_attention_forward)(const ctk_relative_head *head, float *output,
                                     ptrdiff_t output_stride, float *log_sum, float *scratch);
  void (*relative_attention_backward)(const ctk_relative_head *head, const float *output,
                                      const float *output_gradient, ptrdiff_t output_stride,
                                      const float *log_sum, const ctk_relative_gradient *gradient,
                                      float *scratch);
} ctk_kernel_table;

/// Floats of scratch that `product` needs: a block of the right operand.
#define CTK_PRODUCT_SCRATCH 98304
/// Columns that `product` computes side by side.
#define CTK_PRODUCT_COLUMNS 32
/// Rows that lie a multiple of so many floats apart, which is a page, crowd in a few sets of
/// the caches; a product reads no operand across them.
#define CTK_PRODUCT_ALIASING 1024

/// Tokens that `squared_products` packs at once, unless one example has more, and rows.
#define CTK_FISHER_TOKENS 512
#define CTK_FISHER_ROWS 192

/// Floats of scratch that `squared_products` needs where no example has more tokens.
ptrdiff_t ctk_squared_products_scratch(ptrdiff_t longest);
/// Floats of scratch that attention needs for sequences of up to `length`.
ptrdiff_t ctk_attention_scratch(int lanes, ptrdiff_t length, ptrdiff_t head_size);
ptrdiff_t ctk_relative_attention_scratch(int lanes, ptrdiff_t length, ptrdiff_t head_size);

/// The fastest table this processor runs.
const ctk_kernel_table *ctk_kernels(void);

/// Every table this processor runs, portable first; returns how many there are.
int ctk_kernel_tables(const ctk_kernel_table **tables, int capacity);

/// Half-precision bits to f32, exact.
void ctk_f16_to_f32(const void *source, float *destination, ptrdiff_t count);
void ctk_bf16_to_f32(const void *source, float *destination, ptrdiff_t count);

#ifdef __cplusplus
}
#endif

#endif
