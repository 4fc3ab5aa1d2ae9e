import CTKCore
import Dispatch
import Foundation
import Synchronization

/// Control-C and its like: remove half-written outputs, then end with 128 and the signal's number.
enum Interruption {
  /// Whether the command can stop by itself at a better moment than now.
  private static let isDeferred = Atomic(false)
  private static let isAsked = Atomic(false)

  /// Whether the command has been asked to stop.
  static var isRequested: Bool { isAsked.load(ordering: .relaxed) }

  /// From now on the first signal only asks; the second ends the process at once.
  static func deferToCommand() { isDeferred.store(true, ordering: .relaxed) }

  static func install() {
    // A reader that went away and a file at its size limit are errors of the next write,
    // not the end of the process.
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    for number in [SIGINT, SIGTERM, SIGHUP] {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { handle(number) }
      source.activate()
      // The source lives as long as the process.
      _ = Unmanaged.passRetained(source as AnyObject)
    }
  }

  private static func handle(_ number: Int32) {
    let wasAsked = isAsked.exchange(true, ordering: .relaxed)
    if isDeferred.load(ordering: .relaxed) && !wasAsked {
      Console.writeError("\nctk: saving the run after this step; once more stops at once\n")
      return
    }
    UnfinishedOutputs.removeAll { _exit(128 + number) }
  }
}
