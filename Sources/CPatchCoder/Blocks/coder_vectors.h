// Functions that are compiled once for each kind of processor.
#ifndef CODER_VECTORS_H
#define CODER_VECTORS_H

#if defined(__x86_64__) && defined(__linux__)
#define FOR_ALL_VECTORS \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FOR_ALL_VECTORS
#endif

#endif
