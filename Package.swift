// swift-tools-version: 6.2
import PackageDescription

// MARK: Settings

/// Every Swift target: language mode 6 with the upcoming features that make
/// existentials, imports and member look-up explicit.
let swiftSettings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

// MARK: Dependencies

let argumentParser: Target.Dependency = .product(
  name: "ArgumentParser", package: "swift-argument-parser")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

// MARK: Targets

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

func tests(_ module: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(
    name: "\(module)Tests",
    dependencies: [.target(name: module), "CTKTestSupport"] + dependencies,
    swiftSettings: swiftSettings)
}

let package = Package(
  name: "ctk",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "ctk", targets: ["ctk"]),
    .library(name: "CTKPatch", targets: ["CTKPatch"]),
    // Patches for programs in other languages: ctkpatch.h and a shared library.
    .library(name: "ctkpatch", type: .dynamic, targets: ["CTKPatchInterface"]),
  ],
  dependencies: [
    // 1.8.1 and later: the parse() source break of 1.8.0 is reverted.
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    // SHA-256 with the processor's own instructions on Linux, CryptoKit on Apple.
    .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
    // The logging facade of the command line; libraries take closures instead.
    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
  ],
  targets: [
    .systemLibrary(
      name: "CHDF5", pkgConfig: "hdf5-serial", providers: [.apt(["libhdf5-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    // The only unsafe flag of the package: kernels stay fast in debug builds,
    // so the numeric tests finish. They are correct without it.
    .target(
      name: "CKernels",
      cSettings: [.unsafeFlags(["-O3", "-fno-math-errno", "-ffp-contract=off"])]),

    // Blocks of the patch codec; portable C, for unsigned arithmetic without traps.
    .target(
      name: "CPatchCoder",
      cSettings: ["Blocks", "Planning", "Encoding", "Decoding"].map { .headerSearchPath($0) }),

    library("CTKCore", [crypto]),
    library("CTKSafetensors", ["CTKCore"]),
    library("CTKHDF5", ["CTKCore", "CHDF5"]),
    library("CTKTorch", ["CTKCore", "CZlib"]),
    library("CTKTensorBundle", ["CTKCore"]),
    library(
      "CTKCheckpoint",
      ["CTKCore", "CTKSafetensors", "CTKHDF5", "CTKTorch", "CTKTensorBundle"]),
    library("CTKPatch", ["CTKCore", "CTKSafetensors", "CPatchCoder", "CZlib"]),
    .target(name: "CTKPatchHeader"),
    library("CTKPatchInterface", ["CTKPatchHeader", "CTKPatch", "CTKCore"]),
    library("CTKText", ["CTKCore"]),
    library("CTKTensor", ["CTKCore", "CKernels", "COpenBLAS"]),
    library("CTKModel", ["CTKTensor", "CTKCore"]),
    library(
      "CTKTuning",
      ["CTKModel", "CTKTensor", "CTKText", "CTKCheckpoint", "CTKPatch", "CTKCore"]),
    library(
      "CTKCommand",
      [
        "CTKCore", "CTKSafetensors", "CTKHDF5", "CTKTorch", "CTKTensorBundle", "CTKCheckpoint",
        "CTKPatch", "CTKText", "CTKTensor", "CTKModel", "CTKTuning", argumentParser, logging,
      ]),
    .executableTarget(
      name: "ctk", dependencies: ["CTKCommand"], swiftSettings: swiftSettings),

    .target(
      name: "CTKTestSupport",
      dependencies: ["CTKCore", "CTKSafetensors", "CTKTensor", "CTKModel", "CZlib"],
      path: "Tests/CTKTestSupport",
      swiftSettings: swiftSettings),
    // Damaged files for every reader: a short run in the suite, a long one by the program.
    .target(
      name: "CTKFuzzing",
      dependencies: [
        "CTKCore", "CTKSafetensors", "CTKHDF5", "CTKTorch", "CTKTensorBundle", "CTKText",
        "CTKTestSupport",
      ],
      path: "Tests/CTKFuzzing",
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "ctk-fuzz", dependencies: ["CTKFuzzing"], path: "Tests/ctk-fuzz",
      swiftSettings: swiftSettings),
    // Counts what fine-tuning steps allocate; a test runs it.
    .target(name: "CTKAllocationCounter", path: "Tests/CTKAllocationCounter"),
    .executableTarget(
      name: "ctk-allocations",
      dependencies: ["CTKAllocationCounter", "CTKCore", "CTKTensor", "CTKModel", "CTKTuning"],
      path: "Tests/ctk-allocations", swiftSettings: swiftSettings),
    tests("CTKFuzzing", ["CTKCore"]),
    tests("CTKCore", []),
    tests("CTKSafetensors", ["CTKCore"]),
    tests("CTKHDF5", ["CTKCore"]),
    tests("CTKTorch", ["CTKCore", "CTKSafetensors"]),
    tests("CTKTensorBundle", ["CTKCore", "CTKSafetensors"]),
    tests(
      "CTKCheckpoint",
      ["CTKCore", "CTKSafetensors", "CTKHDF5", "CTKTorch", "CTKModel", "CTKTensor"]),
    tests("CTKPatch", ["CTKCore", "CTKSafetensors"]),
    // A caller written in C, run by the tests of the interface.
    .target(
      name: "CTKPatchCaller", dependencies: ["CTKPatchHeader"], path: "Tests/CTKPatchCaller"),
    tests(
      "CTKPatchInterface",
      ["CTKCore", "CTKPatch", "CTKSafetensors", "CTKPatchHeader", "CTKPatchCaller"]),
    tests("CTKText", ["CTKCore"]),
    tests("CTKTensor", ["CTKCore", "CKernels"]),
    tests("CTKModel", ["CTKCore", "CTKTensor", "CTKSafetensors"]),
    tests(
      "CTKTuning",
      [
        "CTKCore", "CTKTensor", "CTKModel", "CTKText", "CTKCheckpoint", "CTKPatch",
        "CTKSafetensors",
      ]),
    tests("CTKCommand", ["CTKCore", "CTKSafetensors", "CTKTorch", "CTKCheckpoint", "CTKPatch"]),
  ]
)
