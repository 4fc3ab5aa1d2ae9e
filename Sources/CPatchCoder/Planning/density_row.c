#include "density_row.h"

#include "coder_block.h"
#include "coder_vectors.h"
#include "strands.h"

#pragma STDC FP_CONTRACT OFF

// 2^x for |x| up to 30, good to seven digits.
static inline float power_of_two_near(float x) {
  x = x < -30 ? -30 : x > 30 ? 30 : x;
  float shifted = x + 0x1.8p23f;
  float f = x - (shifted - 0x1.8p23f);
  float power = 1 + f * (0.6931472f + f * (0.2402231f + f * (0.0555045f + f * 0.0096673f)));
  return float_of_bits(bits_of_float(power) + (bits_of_float(shifted) << 23));
}

// log2(x) for x from 1 on, good to four digits.
static inline float octaves_above_one(float x) {
  uint32_t bits = bits_of_float(x);
  float y = float_of_bits((bits & 0x7fffffu) | 0x3f800000u) - 1;
  float bend = 0.4417403f + y * (-0.2660299f + y * (0.1463143f + y * -0.0440047f));
  return (float)((int32_t)(bits >> 23) - 127) + y * (1 + (1 - y) * bend);
}

static inline float odds_against(float logit) {
  return power_of_two_near(logit * -1.44269504f);
}

static inline float logit_at(const place_row *row, uint32_t j) {
  return row->finished[j] + row->offset + row->column_offset[j] +
         row->factor * row->column_factor[j];
}

FOR_ALL_VECTORS
void density_sum_row(const place_row *row, float *sums) {
  float strands[SUMS][STRANDS] = {{0}};
  for (uint32_t first = 0; first < row->stride; first += STRANDS) {
    for (unsigned i = 0; i < STRANDS; i++) {
      uint32_t j = first + i;
      float share = 1 / (1 + odds_against(logit_at(row, j)));
      float rest = (float)row->set[j] - share, slope = share * (1 - share);
      float factor = row->column_factor[j];
      strands[OFFSET_GRADIENT][i] += rest;
      strands[OFFSET_CURVATURE][i] += slope;
      strands[FACTOR_GRADIENT][i] += rest * factor;
      strands[FACTOR_CURVATURE][i] += slope * factor * factor;
      strands[COUPLING][i] += slope * factor;
    }
  }
  for (unsigned k = 0; k < SUMS; k++) sums[k] = total_of(strands[k]);
}

FOR_ALL_VECTORS
void density_add_to_columns(const place_row *row, float *restrict sums) {
  uint32_t stride = row->stride;
  float factor = row->factor;
  for (uint32_t j = 0; j < stride; j++) {
    float share = 1 / (1 + odds_against(logit_at(row, j)));
    float rest = (float)row->set[j] - share, slope = share * (1 - share);
    sums[OFFSET_GRADIENT * stride + j] += rest;
    sums[OFFSET_CURVATURE * stride + j] += slope;
    sums[FACTOR_GRADIENT * stride + j] += rest * factor;
    sums[FACTOR_CURVATURE * stride + j] += slope * factor * factor;
    sums[COUPLING * stride + j] += slope * factor;
  }
}

FOR_ALL_VECTORS
float density_row_bits(const place_row *row) {
  float strands[STRANDS] = {0};
  for (uint32_t first = 0; first < row->stride; first += STRANDS) {
    for (unsigned i = 0; i < STRANDS; i++) {
      float logit = logit_at(row, first + i);
      strands[i] += octaves_above_one(1 + odds_against(row->set[first + i] ? logit : -logit));
    }
  }
  return total_of(strands);
}

FOR_ALL_VECTORS
float density_row_misfit(const place_row *row, float *restrict rest) {
  float strands[STRANDS] = {0};
  for (uint32_t first = 0; first < row->stride; first += STRANDS) {
    for (unsigned i = 0; i < STRANDS; i++) {
      uint32_t j = first + i;
      rest[j] = (float)row->set[j] - 1 / (1 + odds_against(logit_at(row, j)));
      strands[i] += rest[j] * rest[j];
    }
  }
  return total_of(strands);
}
