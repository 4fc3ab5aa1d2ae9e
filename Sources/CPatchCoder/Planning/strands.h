// Sums of floats are taken in so many strands, whatever the processor's vectors, so that
// equal input gives equal sums everywhere.
#ifndef STRANDS_H
#define STRANDS_H

#define STRANDS 16

static inline float total_of(const float *strands) {
  float total = 0;
  for (unsigned i = 0; i < STRANDS; i++) total += strands[i];
  return total;
}

#endif
