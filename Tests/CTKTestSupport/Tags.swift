public import Testing

extension Tag {
  /// Containers and file formats.
  @Tag public static var format: Self
  /// Kernels, layers and optimizers.
  @Tag public static var numeric: Self
  /// Hostile input and fuzzing.
  @Tag public static var hostile: Self
  /// The built command line.
  @Tag public static var cli: Self
}
