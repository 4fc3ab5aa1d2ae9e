// Switching a resident model of 110 million F32 weights from one task to another, beside
// the machine's copy of the same memory:
//
//   clang -O2 -I../../Sources/CPatchCoder/include switch.c ../../Sources/CPatchCoder/Resident/scatter.c
//     -lpthread -o switch
//   ./switch
//
// Each task changes a random share of the weights; the switch restores the base under the
// first and writes the second, a tile after the other, as ctkpatch_switch does.

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctk_scatter.h"

#define WEIGHTS 110000000ul
#define TILE ((size_t)1 << CTK_TILE_SHIFT)
#define TILES ((WEIGHTS + TILE - 1) / TILE)
#define ROUNDS 15

typedef struct {
  size_t ends[TILES + 1];
  uint16_t *positions;
  uint32_t *before;
  uint32_t *after;
} task;

typedef struct {
  const task *from;
  const task *to;
  uint8_t *weights;
  uint8_t *copy;
  size_t first;
  size_t end;
} job;

static uint64_t state = 1;

static uint64_t next(void) {
  state += 0x9E3779B97F4A7C15ull;
  uint64_t mixed = state;
  mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9ull;
  mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBull;
  return mixed ^ mixed >> 31;
}

static task *make(double share, const uint8_t *weights) {
  task *made = malloc(sizeof *made);
  size_t capacity = (size_t)((double)WEIGHTS * share * 1.01) + 100000, count = 0;
  made->positions = malloc(2 * capacity);
  made->before = malloc(4 * capacity);
  made->after = malloc(4 * capacity);
  uint64_t limit = (uint64_t)(share * 0x1p64);
  made->ends[0] = 0;
  for (size_t weight = 0; weight < WEIGHTS && count < capacity; weight++) {
    if (next() < limit) {
      made->positions[count] = (uint16_t)weight;
      memcpy(made->before + count, weights + 4 * weight, 4);
      made->after[count++] = (uint32_t)next();
    }
    made->ends[weight / TILE + 1] = count;
  }
  return made;
}

static void *switch_tiles(void *argument) {
  const job *own = argument;
  for (size_t tile = own->first; tile < own->end; tile++) {
    uint8_t *start = own->weights + 4 * TILE * tile;
    const task *sides[] = {own->from, own->to};
    for (int side = 0; side < 2; side++) {
      size_t entry = sides[side]->ends[tile], count = sides[side]->ends[tile + 1] - entry;
      const uint32_t *units = side == 0 ? sides[side]->before : sides[side]->after;
      ctk_scatter(start, sides[side]->positions + entry, units + entry, count, 4);
    }
  }
  return NULL;
}

static void *copy_tiles(void *argument) {
  const job *own = argument;
  size_t start = 4 * TILE * own->first, end = 4 * TILE * own->end;
  if (end > 4 * WEIGHTS) end = 4 * WEIGHTS;
  memcpy(own->copy + start, own->weights + start, end - start);
  return NULL;
}

static double milliseconds(void *(*work)(void *), job shared, int threads) {
  pthread_t handles[2];
  job jobs[2];
  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (int i = 0; i < threads; i++) {
    jobs[i] = shared;
    jobs[i].first = TILES * (size_t)i / (size_t)threads;
    jobs[i].end = TILES * ((size_t)i + 1) / (size_t)threads;
    pthread_create(handles + i, NULL, work, jobs + i);
  }
  for (int i = 0; i < threads; i++) pthread_join(handles[i], NULL);
  clock_gettime(CLOCK_MONOTONIC, &end);
  return 1e3 * (double)(end.tv_sec - start.tv_sec) + 1e-6 * (double)(end.tv_nsec - start.tv_nsec);
}

static int ascending(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

static void report(const char *what, void *(*work)(void *), job shared) {
  for (int threads = 1; threads <= 2; threads++) {
    double times[ROUNDS];
    milliseconds(work, shared, threads);
    for (int i = 0; i < ROUNDS; i++) times[i] = milliseconds(work, shared, threads);
    qsort(times, ROUNDS, sizeof *times, ascending);
    printf("| %s | %d | %.1f | %.1f | %.1f |\n", what, threads, times[0], times[ROUNDS / 2],
           times[ROUNDS - 1]);
  }
}

int main(void) {
  job shared = {.weights = malloc(4 * WEIGHTS), .copy = malloc(4 * WEIGHTS)};
  for (size_t i = 0; i < WEIGHTS; i++) {
    uint32_t bits = (uint32_t)i * 2654435761u;
    memcpy(shared.weights + 4 * i, &bits, 4);
  }
  memset(shared.copy, 1, 4 * WEIGHTS);
  printf("| work | threads | best ms | median ms | worst ms |\n| --- | --- | --- | --- | --- |\n");
  report("copy of 440 MB", copy_tiles, shared);
  const double shares[] = {0.01, 0.1};
  for (int i = 0; i < 2; i++) {
    shared.from = make(shares[i], shared.weights);
    shared.to = make(shares[i], shared.weights);
    report(i == 0 ? "switch, 1 % each" : "switch, 10 % each", switch_tiles, shared);
  }
  return 0;
}
