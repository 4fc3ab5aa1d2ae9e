// Element-wise kernels and normalisation; see ctk_kernels.h.

// Runs `body` over full vectors and the rest one lane at a time through a
// padded copy, so that every element takes the same arithmetic.
#define TAIL_COPY(name, source, count) \
  float name[CTK_LANES] = {0};         \
  memcpy(name, source, (size_t)(count) * sizeof(float))

CTK_INLINE vf load_part(const float *p, ptrdiff_t count) {
  TAIL_COPY(part, p, count);
  return load(part);
}

CTK_INLINE void store_part(float *p, vf v, ptrdiff_t count) {
  float part[CTK_LANES];
  store(part, v);
  memcpy(p, part, (size_t)count * sizeof(float));
}

// Visits 0 ..< count in steps of a vector: `i` and the number of valid lanes `n`.
#define FOR_LANES(i, n, count)                                                             \
  for (ptrdiff_t i = 0, n = (count) < CTK_LANES ? (count) : CTK_LANES; i < (count);        \
       i += CTK_LANES, n = (count) - i < CTK_LANES ? (count) - i : CTK_LANES)

CTK_INLINE vf get(const float *p, ptrdiff_t n) {
  return n == CTK_LANES ? load(p) : load_part(p, n);
}

CTK_INLINE void put(float *p, vf v, ptrdiff_t n) {
  if (n == CTK_LANES) store(p, v);
  else store_part(p, v, n);
}

// f(x) and f'(x).
CTK_INLINE void activate(int kind, vf x, vf *value, vf *slope) {
  vf density, distribution;
  switch (kind) {
    case CTK_GELU:
      normal(x, &density, &distribution);
      *value = x * distribution;
      *slope = fma_(x, density, distribution);
      return;
    case CTK_GELU_TANH: {
      // 0.5 x (1 + tanh(u)) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3).
      vf square = x * x;
      vf s = sigmoid(x * (1.5957691f + 0.071354814f * square));
      *value = x * s;
      *slope = s + x * s * (1.0f - s) * (1.5957691f + 0.21406444f * square);
      return;
    }
    case CTK_RELU:
      *value = select_(x > 0.0f, x, splat(0.0f));
      *slope = select_(x > 0.0f, splat(1.0f), splat(0.0f));
      return;
    case CTK_SILU: {
      vf s = sigmoid(x);
      *value = x * s;
      *slope = s + x * s * (1.0f - s);
      return;
    }
    default: {
      vf t = 2.0f * sigmoid(2.0f * x) - 1.0f;
      *value = t;
      *slope = 1.0f - t * t;
      return;
    }
  }
}

CTK_INLINE void activation_kind(const float *x, float *y, ptrdiff_t count, int kind) {
  FOR_LANES(i, n, count) {
    vf value, slope;
    activate(kind, get(x + i, n), &value, &slope);
    put(y + i, value, n);
  }
}

CTK_INLINE void activation_backward_kind(const float *x, float *dy, float *y, ptrdiff_t count,
                                         int kind) {
  FOR_LANES(i, n, count) {
    vf value, slope;
    activate(kind, get(x + i, n), &value, &slope);
    put(dy + i, get(dy + i, n) * slope, n);
    put(y + i, value, n);
  }
}

// One specialised loop for each activation.
#define EACH_ACTIVATION(call, kind)              \
  switch (kind) {                                \
    case CTK_GELU: call(CTK_GELU); break;        \
    case CTK_GELU_TANH: call(CTK_GELU_TANH); break; \
    case CTK_RELU: call(CTK_RELU); break;        \
    case CTK_SILU: call(CTK_SILU); break;        \
    default: call(CTK_TANH); break;              \
  }

static void activation(const float *x, float *y, ptrdiff_t count, int kind) {
#define CALL(k) activation_kind(x, y, count, k)
  EACH_ACTIVATION(CALL, kind)
#undef CALL
}

static void activation_backward(const float *x, float *dy, float *y, ptrdiff_t count, int kind) {
#define CALL(k) activation_backward_kind(x, dy, y, count, k)
  EACH_ACTIVATION(CALL, kind)
#undef CALL
}

static void dropout_residual_norm(float *x, const float *residual, const float *gamma,
                                  const float *beta, float epsilon, ctk_dropout site,
                                  ptrdiff_t first_row, ptrdiff_t rows, ptrdiff_t columns, float *y,
                                  float *mean, float *rstd) {
  float inverse = 1.0f / (float)columns;
  for (ptrdiff_t row = 0; row < rows; row++) {
    float *xr = x + row * columns, *yr = y + row * columns;
    uint32_t first = (uint32_t)((first_row + row) * columns);
    vf sum = splat(0.0f);
    FOR_LANES(i, n, columns) {
      vf v = get(xr + i, n);
      if (site.threshold) v = dropped(v, site, first + (uint32_t)i);
      if (residual) v += get(residual + row * columns + i, n);
      put(xr + i, v, n);
      // Lanes past the end hold zeros.
      sum += v;
    }
    float centre = horizontal_sum(sum) * inverse;
    vf squares = splat(0.0f);
    FOR_LANES(i, n, columns) {
      vf d = get(xr + i, n) - centre;
      if (n < CTK_LANES) {
        float part[CTK_LANES];
        store(part, d);
        for (ptrdiff_t j = n; j < CTK_LANES; j++) part[j] = 0;
        d = load(part);
      }
      squares = fma_(d, d, squares);
    }
    float scale = 1.0f / sqrtf(horizontal_sum(squares) * inverse + epsilon);
    FOR_LANES(i, n, columns) {
      vf normalised = (get(xr + i, n) - centre) * scale;
      put(yr + i, fma_(normalised, get(gamma + i, n), get(beta + i, n)), n);
    }
    mean[row] = centre;
    rstd[row] = scale;
  }
}

static void norm_backward(const float *x, const float *mean, const float *rstd,
                          const float *gamma, float *dy, ptrdiff_t rows, ptrdiff_t columns) {
  float inverse = 1.0f / (float)columns;
  for (ptrdiff_t row = 0; row < rows; row++) {
    const float *xr = x + row * columns;
    float *dr = dy + row * columns;
    float centre = mean[row], scale = rstd[row];
    vf sum = splat(0.0f), dot = splat(0.0f);
    FOR_LANES(i, n, columns) {
      // gamma's missing lanes are zero, and with them both sums.
      vf g = get(dr + i, n) * get(gamma + i, n);
      sum += g;
      dot = fma_(g, (get(xr + i, n) - centre) * scale, dot);
    }
    float mean_g = horizontal_sum(sum) * inverse, mean_dot = horizontal_sum(dot) * inverse;
    FOR_LANES(i, n, columns) {
      vf g = get(dr + i, n) * get(gamma + i, n);
      vf normalised = (get(xr + i, n) - centre) * scale;
      put(dr + i, (g - mean_g - normalised * mean_dot) * scale, n);
    }
  }
}

// Vectors whose columns are summed side by side, so that a row's visit brings whole lines.
#define COLUMN_VECTORS 4

CTK_INLINE void norm_columns(const float *x, const float *mean, const float *rstd,
                             const float *dy, ptrdiff_t rows, ptrdiff_t stride, float *dgamma,
                             float *dbeta, int vectors, ptrdiff_t n) {
  vf gamma[COLUMN_VECTORS], beta[COLUMN_VECTORS];
  for (int j = 0; j < vectors; j++) {
    gamma[j] = get(dgamma + j * CTK_LANES, n);
    beta[j] = get(dbeta + j * CTK_LANES, n);
  }
  for (ptrdiff_t row = 0; row < rows; row++, x += stride, dy += stride)
    for (int j = 0; j < vectors; j++) {
      vf d = get(dy + j * CTK_LANES, n);
      vf normalised = (get(x + j * CTK_LANES, n) - mean[row]) * rstd[row];
      gamma[j] = fma_(d, normalised, gamma[j]);
      beta[j] += d;
    }
  for (int j = 0; j < vectors; j++) {
    put(dgamma + j * CTK_LANES, gamma[j], n);
    put(dbeta + j * CTK_LANES, beta[j], n);
  }
}

static void norm_parameter_gradients(const float *x, const float *mean, const float *rstd,
                                     const float *dy, ptrdiff_t rows, ptrdiff_t columns,
                                     ptrdiff_t stride, float *dgamma, float *dbeta) {
  ptrdiff_t wide = columns / (COLUMN_VECTORS * CTK_LANES) * COLUMN_VECTORS * CTK_LANES;
  for (ptrdiff_t i = 0; i < wide; i += COLUMN_VECTORS * CTK_LANES)
    norm_columns(x + i, mean, rstd, dy + i, rows, stride, dgamma + i, dbeta + i, COLUMN_VECTORS,
                 CTK_LANES);
  FOR_LANES(i, n, columns - wide)
    norm_columns(x + wide + i, mean, rstd, dy + wide + i, rows, stride, dgamma + wide + i,
                 dbeta + wide + i, 1, n);
}

static void dropout(const float *x, float *y, ctk_dropout site, uint32_t first, ptrdiff_t count) {
  FOR_LANES(i, n, count) put(y + i, dropped(get(x + i, n), site, first + (uint32_t)i), n);
}

CTK_INLINE void sum_columns(const float *x, ptrdiff_t rows, ptrdiff_t stride, float *sum,
                            int vectors, ptrdiff_t n) {
  vf total[COLUMN_VECTORS];
  for (int j = 0; j < vectors; j++) total[j] = get(sum + j * CTK_LANES, n);
  for (ptrdiff_t row = 0; row < rows; row++, x += stride)
    for (int j = 0; j < vectors; j++) total[j] += get(x + j * CTK_LANES, n);
  for (int j = 0; j < vectors; j++) put(sum + j * CTK_LANES, total[j], n);
}

static void column_sums(const float *x, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride,
                        float *sum) {
  ptrdiff_t wide = columns / (COLUMN_VECTORS * CTK_LANES) * COLUMN_VECTORS * CTK_LANES;
  for (ptrdiff_t i = 0; i < wide; i += COLUMN_VECTORS * CTK_LANES)
    sum_columns(x + i, rows, stride, sum + i, COLUMN_VECTORS, CTK_LANES);
  FOR_LANES(i, n, columns - wide)
    sum_columns(x + wide + i, rows, stride, sum + wide + i, 1, n);
}

static void add(const float *x, float *y, ptrdiff_t count) {
  FOR_LANES(i, n, count) put(y + i, get(y + i, n) + get(x + i, n), n);
}

static void add_squares(const float *x, float *y, ptrdiff_t count) {
  FOR_LANES(i, n, count) {
    vf v = get(x + i, n);
    put(y + i, fma_(v, v, get(y + i, n)), n);
  }
}

static double sum_of_squares(const float *x, ptrdiff_t count) {
  // Blocks of f32 sums keep the speed; doubles across blocks keep the digits.
  double total = 0;
  for (ptrdiff_t start = 0; start < count; start += 4096) {
    ptrdiff_t length = count - start < 4096 ? count - start : 4096;
    vf sum = splat(0.0f);
    FOR_LANES(i, n, length) {
      vf v = get(x + start + i, n);
      sum = fma_(v, v, sum);
    }
    total += (double)horizontal_sum(sum);
  }
  return total;
}

static void gather(const float *x, const uint32_t *positions, float *y, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; i++) y[i] = x[positions[i]];
}

// Writes the kept floats of 16 columns and returns how many there are.
CTK_INLINE ptrdiff_t keep_group(const float *x, uint16_t bits, float *y) {
#if CTK_LANES == 16
  // Compressing in a register and storing all of it: a compressing store is slow on Zen.
  _mm512_storeu_ps(y, _mm512_maskz_compress_ps(bits, _mm512_maskz_loadu_ps(bits, x)));
#else
  for (uint32_t rest = bits; rest; rest &= rest - 1) *y++ = x[__builtin_ctz(rest)];
#endif
  return __builtin_popcount(bits);
}

static void keep_columns(const float *x, ptrdiff_t rows, ptrdiff_t stride, const uint16_t *bitmap,
                         ptrdiff_t groups, float *y, ptrdiff_t y_stride) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    float *target = y + row * y_stride;
    for (ptrdiff_t group = 0; group < groups; group++)
      target += keep_group(x + row * stride + 16 * group, bitmap[group], target);
  }
}

CTK_INLINE vf root(vf x) {
#if CTK_LANES >= 8
  return __builtin_elementwise_sqrt(x);
#else
  vf y;
  for (int i = 0; i < CTK_LANES; i++) y[i] = sqrtf(x[i]);
  return y;
#endif
}

// torch.optim.AdamW: decay first, then
// w -= step_size * m / (sqrt(v) * inverse_root_correction + epsilon).
CTK_INLINE vf adamw_step(vf w, vf g, vf *m, vf *v, ctk_adamw c) {
  g *= c.gradient_scale;
  *m = fma_(g - *m, splat(1.0f - c.beta1), *m);
  *v = fma_(*v, splat(c.beta2), g * g * (1.0f - c.beta2));
  vf denominator = fma_(root(*v), splat(c.inverse_root_correction), splat(c.epsilon));
  return w * c.decay_factor - c.step_size * *m / denominator;
}

static void adamw(float *weights, const float *gradient, float *first, float *second,
                  ptrdiff_t count, ctk_adamw c) {
  FOR_LANES(i, n, count) {
    vf m = get(first + i, n), v = get(second + i, n);
    put(weights + i, adamw_step(get(weights + i, n), get(gradient + i, n), &m, &v, c), n);
    put(first + i, m, n);
    put(second + i, v, n);
  }
}

// Entries between the one that moves and the one whose weight is fetched.
#define PREFETCHED 128

static void adamw_scattered(float *weights, const uint32_t *positions, const float *gradient,
                            float *first, float *second, ptrdiff_t count, ctk_adamw c) {
  FOR_LANES(i, n, count) {
    float w[CTK_LANES] = {0};
    // Child weights lie lines apart, where the processor foresees nothing.
    if (i + PREFETCHED + CTK_LANES <= count)
      for (ptrdiff_t j = 0; j < CTK_LANES; j++)
        fetch_to_write(weights + positions[i + PREFETCHED + j]);
    for (ptrdiff_t j = 0; j < n; j++) w[j] = weights[positions[i + j]];
    vf m = get(first + i, n), v = get(second + i, n);
    store(w, adamw_step(load(w), get(gradient + i, n), &m, &v, c));
    for (ptrdiff_t j = 0; j < n; j++) weights[positions[i + j]] = w[j];
    put(first + i, m, n);
    put(second + i, v, n);
  }
}
