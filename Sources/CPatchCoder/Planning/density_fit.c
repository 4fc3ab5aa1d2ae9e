// Newton's method on the log-likelihood of all places, one line at a time.

#include "density_fit.h"

#include <math.h>
#include <string.h>

#include "density_row.h"
#include "strands.h"

#pragma STDC FP_CONTRACT OFF

#define OFFSET_RIDGE 0.02f
#define FACTOR_RIDGE 1.0f
#define LONGEST_STEP 2.0f
#define LARGEST_OFFSET 20.0f
// Log-odds of the columns that only fill up a stride.
#define IMPROBABLE (-40.0f)
#define BEGINNING_SWEEPS 8

static place_row row_of(const density_fit *fit, uint32_t row) {
  size_t first = (size_t)row * fit->stride;
  return (place_row){fit->set + first,        fit->finished + first,
                     fit->column_offset,      fit->column_factor,
                     fit->row_offset[row],    fit->row_factor[row], fit->stride};
}

static float limited(float value, float limit) {
  return value > limit ? limit : value < -limit ? -limit : value;
}

static void improve(float *offset, float *factor, const float *sums, enum density_part part) {
  float gradient = sums[OFFSET_GRADIENT] - OFFSET_RIDGE * *offset;
  float curvature = sums[OFFSET_CURVATURE] + OFFSET_RIDGE;
  float offset_step = gradient / curvature;
  if (part == DENSITY_FACTORS) {
    float factor_gradient = sums[FACTOR_GRADIENT] - FACTOR_RIDGE * *factor;
    float factor_curvature = sums[FACTOR_CURVATURE] + FACTOR_RIDGE;
    float determinant = curvature * factor_curvature - sums[COUPLING] * sums[COUPLING];
    offset_step = (gradient * factor_curvature - factor_gradient * sums[COUPLING]) / determinant;
    float factor_step = (factor_gradient * curvature - gradient * sums[COUPLING]) / determinant;
    *factor += limited(factor_step, LONGEST_STEP);
  }
  *offset = limited(*offset + limited(offset_step, LONGEST_STEP), LARGEST_OFFSET);
}

// Gives both sides of the product in the making the same size.
static void balance(density_fit *fit) {
  double rows = 0, columns = 0;
  for (uint32_t i = 0; i < fit->rows; i++) {
    rows += (double)fit->row_factor[i] * fit->row_factor[i];
  }
  for (uint32_t j = 0; j < fit->columns; j++) {
    columns += (double)fit->column_factor[j] * fit->column_factor[j];
  }
  if (!(rows > 0 && columns > 0)) return;
  float scale = (float)sqrt(sqrt(rows / fit->rows / (columns / fit->columns)));
  for (uint32_t i = 0; i < fit->rows; i++) fit->row_factor[i] /= scale;
  for (uint32_t j = 0; j < fit->columns; j++) fit->column_factor[j] *= scale;
}

void density_sweep(density_fit *fit, enum density_part part) {
  unsigned curvature = part == DENSITY_FACTORS ? FACTOR_CURVATURE : OFFSET_CURVATURE;
  if (part == DENSITY_FACTORS) balance(fit);
  memset(fit->sums, 0, SUMS * (size_t)fit->stride * sizeof(float));
  fit->row_curvature = fit->column_curvature = 0;
  for (uint32_t i = 0; i < fit->rows; i++) {
    float sums[SUMS];
    place_row row = row_of(fit, i);
    density_sum_row(&row, sums);
    improve(&fit->row_offset[i], &fit->row_factor[i], sums, part);
    fit->row_curvature += sums[curvature] / fit->rows;
    row = row_of(fit, i);
    density_add_to_columns(&row, fit->sums);
  }
  for (uint32_t j = 0; j < fit->columns; j++) {
    float sums[SUMS];
    for (unsigned k = 0; k < SUMS; k++) sums[k] = fit->sums[k * (size_t)fit->stride + j];
    improve(&fit->column_offset[j], &fit->column_factor[j], sums, part);
    fit->column_curvature += sums[curvature] / fit->columns;
  }
}

double density_bits(const density_fit *fit) {
  double bits = 0;
  for (uint32_t i = 0; i < fit->rows; i++) {
    place_row row = row_of(fit, i);
    bits += density_row_bits(&row);
  }
  return bits;
}

void density_start_product(density_fit *fit) {
  float *rest = fit->sums, *worst = fit->sums + fit->stride;
  float most = 0;
  memset(worst, 0, fit->stride * sizeof *worst);
  for (uint32_t i = 0; i < fit->rows; i++) {
    place_row row = row_of(fit, i);
    float misfit = density_row_misfit(&row, rest);
    if (misfit <= most) continue;
    most = misfit;
    memcpy(worst, rest, fit->stride * sizeof *worst);
  }
  memcpy(fit->column_factor, worst, fit->columns * sizeof *worst);
}

static void add_product(density_fit *fit, float sign) {
  for (uint32_t i = 0; i < fit->rows; i++) {
    float factor = sign * fit->row_factor[i];
    float *finished = fit->finished + (size_t)i * fit->stride;
    for (uint32_t j = 0; j < fit->stride; j++) finished[j] += factor * fit->column_factor[j];
  }
}

void density_finish_product(density_fit *fit) {
  add_product(fit, 1);
  memset(fit->row_factor, 0, fit->rows * sizeof *fit->row_factor);
}

void density_reopen_product(density_fit *fit) { add_product(fit, -1); }

// Beginning

static uint32_t stride_for(uint32_t columns) {
  return (columns + STRANDS - 1) / STRANDS * STRANDS;
}

size_t density_fit_bytes(const block_lines *lines) {
  size_t stride = stride_for(lines->active_columns);
  size_t floats = lines->active_rows * (stride + 2) + (2 + SUMS) * stride;
  return floats * sizeof(float) + lines->active_rows * stride;
}

static void lay_out(density_fit *fit, const block_lines *lines, float *memory) {
  fit->rows = lines->active_rows;
  fit->columns = lines->active_columns;
  fit->stride = stride_for(fit->columns);
  fit->finished = memory;
  fit->sums = fit->finished + (size_t)fit->rows * fit->stride;
  fit->column_offset = fit->sums + SUMS * (size_t)fit->stride;
  fit->column_factor = fit->column_offset + fit->stride;
  fit->row_offset = fit->column_factor + fit->stride;
  fit->row_factor = fit->row_offset + fit->rows;
  fit->set = (uint8_t *)(fit->row_factor + fit->rows);
}

static void set_places(density_fit *fit, const block_lines *lines) {
  // Coded units come row by row.
  uint32_t row = 0, column = 0;
  for (uint32_t i = 0; i < lines->count; i++) {
    if (lines->row[i] != lines->active_row[row]) {
      row++;
      column = 0;
    }
    while (lines->active_column[column] != lines->column[i]) column++;
    fit->set[(size_t)row * fit->stride + column] = 1;
    fit->row_offset[row] += 1;
    fit->column_offset[column] += 1;
  }
}

static float logit_of_count(double set, double places) {
  return (float)log((set + 0.3) / (places - set + 0.3));
}

void density_begin(density_fit *fit, const block_lines *lines, void *memory) {
  memset(memory, 0, density_fit_bytes(lines));
  lay_out(fit, lines, memory);
  set_places(fit, lines);
  double places = (double)fit->rows * fit->columns;
  float mean = logit_of_count(lines->count, places);
  for (uint32_t i = 0; i < fit->rows; i++) {
    fit->row_offset[i] = logit_of_count(fit->row_offset[i], fit->columns);
  }
  for (uint32_t j = 0; j < fit->columns; j++) {
    fit->column_offset[j] = logit_of_count(fit->column_offset[j], fit->rows) - mean;
  }
  for (uint32_t j = fit->columns; j < fit->stride; j++) fit->column_offset[j] = IMPROBABLE;
  for (unsigned i = 0; i < BEGINNING_SWEEPS; i++) density_sweep(fit, DENSITY_OFFSETS);
}
