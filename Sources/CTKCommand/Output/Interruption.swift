import CTKCore
import Dispatch
import Foundation

/// Control-C: remove half-written outputs, then end with status 130.
enum Interruption {
  static func install() {
    signal(SIGINT, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
    source.setEventHandler {
      UnfinishedOutputs.removeAll()
      _exit(ExitStatus.interrupted.rawValue)
    }
    source.activate()
    // The source lives as long as the process.
    _ = Unmanaged.passRetained(source as AnyObject)
  }
}
