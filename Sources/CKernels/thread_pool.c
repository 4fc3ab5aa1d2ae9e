// Threads that wait between the operations which are divided among them.
//
// A call allocates nothing, apart from the first calls, which start the threads. Threads
// that wait, and calls that wait for their last part, spin for a moment before they sleep.
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

// A Swift closure `(Int) -> Void`.
typedef __attribute__((swiftcall)) void (*part_body)(
    ptrdiff_t part, __attribute__((swift_context)) void *context);

// Longer than what a caller does on its own between two operations: a thread that sleeps is
// late for the next one.
static const uint64_t spin_nanoseconds = 200000;

static struct {
  // Held by the call in progress.
  atomic_bool taken;
  _Atomic(part_body) body;
  _Atomic(void *) context;
  // The number of the call in the upper half, how many of its parts wait for a thread in
  // the lower half. A change of one word takes a part, of this call and of no later one.
  _Atomic uint64_t waiting;
  // Parts that are not finished, without the caller's own.
  _Atomic uint32_t unfinished;
  // Helpers that sleep, or are about to.
  _Atomic uint32_t sleepers;
  atomic_bool caller_sleeps;
  pthread_mutex_t lock;
  pthread_cond_t work;
  pthread_cond_t done;
  // Threads besides the callers'; changed by the call in progress alone.
  uint32_t helpers;
} pool = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .work = PTHREAD_COND_INITIALIZER,
    .done = PTHREAD_COND_INITIALIZER,
};

static bool has_work(void) { return (uint32_t)atomic_load(&pool.waiting) > 0; }

static bool is_done(void) { return atomic_load(&pool.unfinished) == 0; }

// MARK: Waiting

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

// Whether the condition comes true while a thread spins for it.
static bool comes_soon(bool (*condition)(void)) {
  uint64_t end = now() + spin_nanoseconds;
  do {
    for (int turn = 0; turn < 16; turn++) {
      if (condition()) return true;
      relax();
    }
  } while (now() < end);
  return false;
}

static void wait_for_work(void) {
  if (comes_soon(has_work)) return;
  pthread_mutex_lock(&pool.lock);
  atomic_fetch_add(&pool.sleepers, 1);
  while (!has_work()) pthread_cond_wait(&pool.work, &pool.lock);
  atomic_fetch_sub(&pool.sleepers, 1);
  pthread_mutex_unlock(&pool.lock);
}

static void wait_until_done(void) {
  if (comes_soon(is_done)) return;
  pthread_mutex_lock(&pool.lock);
  atomic_store(&pool.caller_sleeps, true);
  while (!is_done()) pthread_cond_wait(&pool.done, &pool.lock);
  atomic_store(&pool.caller_sleeps, false);
  pthread_mutex_unlock(&pool.lock);
}

static void wake_helpers(uint32_t count) {
  if (atomic_load(&pool.sleepers) == 0) return;
  pthread_mutex_lock(&pool.lock);
  for (uint32_t helper = 0; helper < count; helper++) pthread_cond_signal(&pool.work);
  pthread_mutex_unlock(&pool.lock);
}

static void wake_caller(void) {
  if (!atomic_load(&pool.caller_sleeps)) return;
  pthread_mutex_lock(&pool.lock);
  pthread_cond_signal(&pool.done);
  pthread_mutex_unlock(&pool.lock);
}

// MARK: Working

// Takes and runs a part that waits; false when there is none.
static bool run_waiting_part(void) {
  uint64_t waiting = atomic_load(&pool.waiting);
  while ((uint32_t)waiting > 0) {
    // They belong to this call if the part is still there to be taken afterwards.
    part_body body = atomic_load(&pool.body);
    void *context = atomic_load(&pool.context);
    if (!atomic_compare_exchange_weak(&pool.waiting, &waiting, waiting - 1)) continue;
    body((ptrdiff_t)(uint32_t)waiting, context);
    if (atomic_fetch_sub(&pool.unfinished, 1) == 1) wake_caller();
    return true;
  }
  return false;
}

static void *help(void *unused) {
  for (;;) {
    if (!run_waiting_part()) wait_for_work();
  }
  return unused;
}

// Starts threads up to one less than there are processors; fewer do as well.
static void start_helpers(uint32_t wanted) {
  if (pool.helpers >= wanted) return;
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  sigset_t all, previous;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &previous);
  while (pool.helpers < wanted && pool.helpers + 1 < processors) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, help, NULL) != 0) break;
    pthread_detach(thread);
    pool.helpers++;
  }
  pthread_sigmask(SIG_SETMASK, &previous, NULL);
}

static void publish(part_body body, void *context, uint32_t others) {
  atomic_store(&pool.body, body);
  atomic_store(&pool.context, context);
  atomic_store(&pool.unfinished, others);
  uint64_t call = (atomic_load(&pool.waiting) >> 32) + 1;
  atomic_store(&pool.waiting, call << 32 | others);
}

// Runs every part once and returns after the last one; `runOnThreads` of CTKTensor.
//
// The caller runs part 0, and then those that no helper has taken. A call within a part,
// or beside another call, runs its parts itself, in order.
__attribute__((swiftcall)) void ctk_pool_run(ptrdiff_t parts, part_body body, void *context) {
  if (parts < 2 || atomic_exchange(&pool.taken, true)) {
    for (ptrdiff_t part = 0; part < parts; part++) body(part, context);
    return;
  }
  uint32_t others = (uint32_t)parts - 1;
  start_helpers(others);
  publish(body, context, others);
  wake_helpers(others);
  body(0, context);
  while (run_waiting_part()) continue;
  wait_until_done();
  atomic_store(&pool.taken, false);
}
