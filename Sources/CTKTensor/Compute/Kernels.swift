package import CKernels

/// The kernel variants this processor runs.
package enum Kernels {
  /// The fastest variant.
  package static let fastest = ctk_kernels().pointee

  /// Every variant, portable first; for tests that compare them.
  package static var all: [ctk_kernel_table] {
    var tables = [UnsafePointer<ctk_kernel_table>?](repeating: nil, count: 8)
    let count = ctk_kernel_tables(&tables, 8)
    return tables.prefix(Int(count)).compactMap { $0?.pointee }
  }
}

extension ctk_kernel_table {
  /// Name of the variant, such as "avx512".
  package var variant: String { String(cString: name) }
}
