public import CTKCore

/// Streaming writer of a safetensors file that appears only when complete.
///
/// The same tensors and metadata always give the same bytes: tensors are laid
/// out by descending dtype rank and then by name, as the reference writer does,
/// and metadata keys are sorted.
public struct SafetensorsWriter: ~Copyable {
  /// The tensors in the order in which their bytes must be written.
  public let order: [TensorInfo]
  private var file: AtomicFile
  private var missingByteCount: Int

  /// Opens the output and writes its header.
  ///
  /// - Throws: `safetensors.duplicate-key`, `safetensors.name-reserved`,
  ///   `safetensors.header-too-large`, `safetensors.overflow`, and the `output.*` codes.
  public init(
    path: String, tensors: [TensorInfo], metadata: [String: String] = [:],
    replacesExisting: Bool = false
  ) throws(SafetensorsError) {
    let layout = try SafetensorsLayout(tensors, metadata: metadata)
    let file = try SafetensorsError.wrap { () throws(CoreError) in
      var file = try AtomicFile(path: path, replacesExisting: replacesExisting)
      try file.write(layout.header)
      return file
    }
    self.init(
      order: layout.order, file: file,
      missingByteCount: layout.byteCount - layout.header.count)
  }

  private init(order: [TensorInfo], file: consuming AtomicFile, missingByteCount: Int) {
    self.order = order
    self.file = file
    self.missingByteCount = missingByteCount
  }

  /// Appends bytes of the tensors in `order`; pieces may end anywhere.
  ///
  /// - Throws: `safetensors.write-overrun`, and the `output.*` codes.
  public mutating func write(_ bytes: UnsafeRawBufferPointer) throws(SafetensorsError) {
    guard bytes.count <= missingByteCount else {
      throw SafetensorsError(
        .writeOverrun,
        "\(bytes.count) bytes were given where \(missingByteCount) were still missing",
        path: file.path)
    }
    missingByteCount -= bytes.count
    do {
      try file.write(bytes)
    } catch {
      throw SafetensorsError(wrapping: error)
    }
  }

  /// Makes the file durable and visible.
  ///
  /// - Throws: `safetensors.write-incomplete` when bytes are missing, and the
  ///   `output.*` codes.
  public consuming func commit() throws(SafetensorsError) {
    guard missingByteCount == 0 else {
      throw SafetensorsError(
        .writeIncomplete, "\(missingByteCount) bytes of tensors were not written", path: file.path)
    }
    do {
      try file.commit()
    } catch {
      throw SafetensorsError(wrapping: error)
    }
  }
}
