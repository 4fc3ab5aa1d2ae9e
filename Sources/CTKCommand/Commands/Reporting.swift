import ArgumentParser
import CTKCore
import CTKTensor
import Dispatch
import Foundation
import Logging

/// A command whose outcome is a result on standard output or a diagnosed error.
protocol ReportingCommand: ParsableCommand {
  var output: OutputOptions { get }

  /// Does the work and tells the result through the reporter.
  func perform(_ reporter: Reporter) throws
}

extension ReportingCommand {
  func run() throws {
    let reporter = Reporter(output)
    do {
      try perform(reporter)
    } catch let code as ExitCode {
      throw code
    } catch let error as any Diagnosable {
      reporter.fail(error)
      throw ExitCode(error.status.rawValue)
    } catch let error as ValidationError {
      throw error
    } catch {
      let unknown = CommandError(
        .internalError, "ctk failed in a way it does not know: \(error)",
        hint: "this is a defect of ctk; please report it with the command")
      reporter.fail(unknown)
      throw ExitCode(unknown.status.rawValue)
    }
  }
}

/// Where a command's progress, log and result go.
final class Reporter {
  private let options: OutputOptions
  private let bar: ProgressBar?
  private let start = DispatchTime.now().uptimeNanoseconds
  private let logger: Logger

  init(_ options: OutputOptions) {
    self.options = options
    let shows = options.progress ?? Console.errorIsTerminal
    bar = shows && !options.quiet ? ProgressBar(isTerminal: Console.errorIsTerminal) : nil
    var logger = Logger(label: "ctk") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = options.verbose ? .debug : .error
    self.logger = logger
  }

  /// Seconds since the command started.
  var seconds: Double { Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9 }

  /// Progress handler for the libraries; nil when nothing is to be shown.
  var progress: ProgressHandler? {
    guard let bar else { return nil }
    return { bar.show($0) }
  }

  func log(_ message: @autoclosure () -> String) {
    let text = message()
    logger.debug("\(text)")
  }

  /// A remark for people, on standard error.
  func note(_ text: String) {
    if options.quiet || options.json { return }
    bar?.finish()
    Console.writeError(text + "\n")
  }

  /// Tells of rows that a task's files have and that cannot be used.
  func note(leftOut rows: Int) {
    if rows > 0 { note("\(Humanize.count(rows)) rows without a usable label were left out") }
  }

  /// An event of a running command: JSON Lines on standard error under `--json`.
  func event(_ event: JSONValue) {
    if options.json && !options.quiet { Console.writeError(event.compactText + "\n") }
  }

  /// The result: an object with its schema under `--json`, text otherwise.
  func finish(schema: String, _ fields: JSONObject, text: @autoclosure () -> String) {
    bar?.finish()
    if options.json {
      var fields = fields
      fields["schema"] = .string(schema)
      Console.writeOutput(JSONValue.object(fields).compactText)
    } else {
      let text = text()
      if !text.isEmpty { Console.writeOutput(text) }
    }
  }

  /// A line of a result that has one line for each input; it names its schema under `--json`.
  func line(schema: String, _ fields: JSONObject) {
    bar?.finish()
    var fields = fields
    if options.json { fields["schema"] = .string(schema) }
    Console.writeOutput(JSONValue.object(fields).compactText)
  }

  func fail(_ error: any Diagnosable) {
    bar?.finish()
    if options.json {
      Console.writeOutput(ErrorReport.json(error))
    } else {
      Console.writeError(ErrorReport.text(error))
    }
  }
}

extension ThreadOptions {
  /// Threads, the cores being counted where all are wanted.
  var resolvedCount: Int {
    let cores = ProcessInfo.processInfo.activeProcessorCount
    return threads == 0 ? cores : threads
  }
}

extension ComputeOptions {
  /// The compute resources asked for.
  var compute: Compute { Compute(threadCount: threads.resolvedCount, precision: precision) }
}
