// swift-tools-version: 6.2
import PackageDescription

// A package of its own: it drives built programs, so it needs nothing of ctk's
// sources, and users of ctk never resolve it.
let package = Package(
  name: "ctk-benchmarks",
  platforms: [.macOS(.v15)],
  targets: [.executableTarget(name: "compare", swiftSettings: [.swiftLanguageMode(.v6)])]
)
