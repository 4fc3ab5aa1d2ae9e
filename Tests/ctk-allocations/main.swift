import CTKAllocationCounter
import CTKTuning
import Foundation

// Counts what fine-tuning steps allocate:
//   ctk-allocations FAMILY METHOD THREADS [BATCHES-OF-A-STEP]
// prints the allocations of the first step and of all later ones together. A program of its
// own, since the counted functions stand in for libc's in all that is linked with them.
let arguments = CommandLine.arguments.dropFirst()
guard arguments.count >= 3, let threads = Int(arguments[3]) else {
  print("usage: ctk-allocations FAMILY METHOD THREADS [BATCHES-OF-A-STEP]")
  exit(64)
}
let accumulation = arguments.count > 3 ? Int(arguments[4]) ?? 1 : 1
let run = try CountedRun(
  family: arguments[1], method: TuningMethod(arguments[2]), threads: threads,
  accumulation: accumulation)

func allocations(_ body: () -> Void) -> Int {
  let before = ctk_allocation_count()
  body()
  return ctk_allocation_count() - before
}

let first = allocations { run.step(0) }
let later = allocations { for number in 1..<8 { run.step(number) } }
print(ctk_allocations_are_counted() ? "\(first) \(later)" : "uncounted")
