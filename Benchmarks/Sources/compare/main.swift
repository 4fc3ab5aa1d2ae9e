import Foundation

func stop(_ text: String, status: Int32) -> Never {
  FileHandle.standardError.write(Data((text + "\n").utf8))
  exit(status)
}

var options = ["--rounds": "3"]
var words = CommandLine.arguments.dropFirst()
while let name = words.popFirst() {
  guard ["--rounds", "--a", "--b"].contains(name), let value = words.popFirst() else {
    stop("compare: cannot use '\(name)'", status: 64)
  }
  options[name] = value
}
guard let first = options["--a"], let second = options["--b"],
  let rounds = options["--rounds"].flatMap({ Int($0) }), rounds > 0
else {
  stop("usage: compare [--rounds N] --a COMMAND --b COMMAND", status: 64)
}
do {
  print(try Comparison(first, second, rounds: rounds).table)
} catch {
  stop("compare: \(error.text)", status: 1)
}
