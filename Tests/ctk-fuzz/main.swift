import CTKFuzzing
import Foundation

// Long runs of the readers' fuzzers, best under AddressSanitizer:
//   swift run -c release --sanitize=address ctk-fuzz CASES [FIRST] [TARGET...]
// No file of the fuzzers makes a reader allocate 64 MiB at once; with
// ASAN_OPTIONS=detect_leaks=0:max_allocation_size_mb=64 such an allocation ends the run.
let arguments = CommandLine.arguments.dropFirst()
let counts = arguments.prefix { UInt64($0) != nil }.compactMap { UInt64($0) }
let names = Set(arguments.dropFirst(counts.count))
guard let cases = counts.first else {
  print("usage: ctk-fuzz CASES [FIRST] [TARGET...]")
  print("targets: \(FuzzTarget.all.map(\.name).joined(separator: " "))")
  exit(64)
}
let first = counts.dropFirst().first ?? 0
var failed = false
for target in FuzzTarget.all where names.isEmpty || names.contains(target.name) {
  let report = try FuzzCampaign(target).run(first..<first + cases)
  print(report.summary)
  fflush(nil)
  failed = failed || !report.isSound
}
exit(failed ? 1 : 0)
