import CTKHDF5

/// The groups and names by which Keras finds the weights of a TensorFlow model in a file.
///
/// A weight lies in the group of its top-level layer, under the model's scope and its own name;
/// attributes list the layers and the weights of each.
struct KerasLayout {
  private let scope: String
  /// Names of the weights in each layer's group, in the order of the layers.
  private let layers: [(name: String, weights: [String])]
  /// Weights that a layer lists again, because its head is tied to them.
  private let repeated: [(layer: String, variable: TensorFlowVariable)]

  private static let kerasVersion = "2.17.0"

  /// - Parameter variables: sorted by layer.
  init(_ variables: [TensorFlowVariable], schema: ArchitectureSchema, className: String) {
    let scope = VariableNaming.scope(ofClass: className)
    self.scope = scope
    var layers: [(name: String, weights: [String])] = []
    for variable in variables {
      let layer = String(variable.layer)
      if layers.last?.name != layer { layers.append((layer, [])) }
      layers[layers.count - 1].weights.append(Self.weightName(variable, scope))
    }
    let tied = variables.filter { $0.path.hasPrefix(schema.tensorFlow.tiedPath) }
    var repeated: [(layer: String, variable: TensorFlowVariable)] = []
    for (position, layer) in layers.enumerated()
    where schema.tensorFlow.copyingGroups.contains(Substring(layer.name)) {
      layers[position].weights += tied.map { Self.weightName($0, scope) }
      repeated += tied.map { (layer.name, $0) }
    }
    self.layers = layers
    self.repeated = repeated
  }

  private static func weightName(_ variable: TensorFlowVariable, _ scope: String) -> String {
    "\(scope)/\(variable.path):0"
  }

  /// The dataset of a variable.
  func place(of variable: TensorFlowVariable) -> String {
    "\(variable.layer)/" + Self.weightName(variable, scope)
  }

  /// Adds what is not values: second names, and the attributes.
  ///
  /// - Throws: `hdf5.write-failed`.
  func finish(_ writer: borrowing HDF5Writer) throws(HDF5Error) {
    for (layer, variable) in repeated {
      try writer.link(
        "\(layer)/" + Self.weightName(variable, scope), to: place(of: variable))
    }
    try writer.setNames("layer_names", layers.map(\.name), of: "/")
    try writer.setString("backend", "tensorflow", of: "/")
    try writer.setString("keras_version", Self.kerasVersion, of: "/")
    for layer in layers { try writer.setNames("weight_names", layer.weights, of: layer.name) }
  }
}
