package import CTKCore
package import CTKModel

extension HeadKind {
  /// The kind of head that a configuration's `architectures` names; nil for none or another.
  package init?(_ configuration: JSONValue) {
    let name = configuration["architectures"]?.arrayValue?.first?.stringValue ?? ""
    guard let kind = Self.allCases.first(where: { name.hasSuffix($0.classSuffix) }) else {
      return nil
    }
    self = kind
  }
}
