/// Version of the toolchain, in semantic versioning.
enum Version {
  static let number = "0.1.0"
  static let text = "ctk \(number)"
}
