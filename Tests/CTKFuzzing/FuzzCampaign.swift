import CTKCore
import CTKTestSupport

/// A reader and a maker of damaged files for it.
public struct FuzzTarget: Sendable {
  public let name: String
  /// Makes the bytes of a case.
  let make: @Sendable (inout SeededGenerator) -> [UInt8]
  /// The case's file name in a folder, which some readers judge by.
  let fileName: String
  /// Reads everything in the file; must end normally or with an error of ctk's.
  let read: @Sendable (_ path: String) throws -> Void
}

/// Many damaged files given to one reader.
public struct FuzzCampaign {
  public struct Report: Sendable {
    public let target: String
    public var cases = 0
    public var accepted = 0
    /// Refusals by code.
    public var refusals: [String: Int] = [:]
    public var slowest: (duration: Duration, number: UInt64) = (.zero, 0)
    /// Errors that are none of ctk's, with the case that gave them.
    public var foreignErrors: [String] = []
  }

  private let target: FuzzTarget
  private let folder = TemporaryFolder()

  public init(_ target: FuzzTarget) { self.target = target }

  /// Runs the cases of the given numbers; a number always makes the same case.
  public func run(_ numbers: Range<UInt64>) throws -> Report {
    var report = Report(target: target.name)
    let clock = ContinuousClock()
    for number in numbers {
      var generator = SeededGenerator(seed: number)
      let path = try folder.write(target.fileName, target.make(&generator))
      let duration = clock.measure {
        do {
          try target.read(path)
          report.accepted += 1
        } catch let error as any Diagnosable {
          report.refusals[error.code, default: 0] += 1
        } catch {
          report.foreignErrors.append("case \(number): \(error)")
        }
      }
      report.cases += 1
      if duration > report.slowest.duration { report.slowest = (duration, number) }
    }
    return report
  }
}
