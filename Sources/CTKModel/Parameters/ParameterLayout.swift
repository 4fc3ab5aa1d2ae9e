/// All parameters of a network, one after the other in one vector.
///
/// Query, key and value weights of a layer are neighbours, and so are their
/// biases: one product forms all three.
package struct ParameterLayout: Sendable {
  package private(set) var parameters: [Parameter] = []
  /// Floats of the whole vector.
  package private(set) var count = 0
  private var ids: [String: ParameterID] = [:]

  package init() {}

  /// Appends a parameter.
  package mutating func add(
    _ name: String, _ shape: [Int], _ role: ParameterRole, _ part: NetworkPart,
    isStacked: Bool = false
  ) -> ParameterID {
    precondition(ids[name] == nil, "the parameter '\(name)' exists already")
    let id = ParameterID(parameters.count)
    let elements = shape.reduce(1, *)
    parameters.append(
      Parameter(
        name: name, shape: shape, role: role, part: part, offset: count, count: elements,
        isStacked: isStacked))
    ids[name] = id
    count += elements
    return id
  }

  package subscript(id: ParameterID) -> Parameter { parameters[id.index] }

  package func id(of name: String) -> ParameterID? { ids[name] }

  package var allIDs: [ParameterID] { parameters.indices.map { ParameterID($0) } }
}
