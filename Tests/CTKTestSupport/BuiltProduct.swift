package import Foundation

/// The executables of the package as they were built for the tests.
package enum BuiltProduct {
  /// They lie beside the test bundle in the build folder.
  package static func url(_ name: String) -> URL {
    let bundles = Bundle.allBundles.map(\.bundleURL) + [Bundle.main.bundleURL]
    let bundle = bundles.first { $0.pathExtension == "xctest" }
    let folder = bundle?.deletingLastPathComponent() ?? Bundle.main.bundleURL
    return folder.appending(path: name)
  }
}
