import CTKCore
package import CTKModel
package import CTKPatch

/// What decides which weights of a network train.
package struct TrainableChoice {
  package let method: TuningMethod
  package let profile: TuningProfile
  /// A regular expression over the parameters that train whole besides the child.
  package let dense: String
  /// Layers that train under top-k.
  package let topLayers: Int
  /// Factor on the learning rate from each layer to the one below.
  package let layerDecay: Double

  package init(
    method: TuningMethod, profile: TuningProfile, dense: String, topLayers: Int,
    layerDecay: Double = 1
  ) {
    self.layerDecay = layerDecay
    self.method = method
    self.profile = profile
    self.dense = dense
    self.topLayers = topLayers
  }

  package init(_ options: FinetuneOptions) {
    self.init(
      method: options.method, profile: options.profile, dense: options.resolvedDense,
      topLayers: options.settings.topLayers, layerDecay: options.loop.layerDecay)
  }

  /// What a run's manifest says.
  ///
  /// - Throws: `run.state-invalid`.
  package init(_ manifest: RunManifest, _ folder: RunFolder) throws(TuningError) {
    let options = manifest.options
    guard let name = options["method"]?.stringValue, let method = try? TuningMethod(name),
      let profile = options["profile"]?.stringValue.flatMap(TuningProfile.init(rawValue:)),
      let dense = options["dense"]?.stringValue,
      let topLayers = options["top_layers"].map(\.intValue) ?? 0
    else {
      throw TuningError(
        .stateInvalid, "the manifest does not say what trained", path: folder.manifest)
    }
    self.init(method: method, profile: profile, dense: dense, topLayers: topLayers)
  }
}

extension TrainablePlan {
  /// The weights that a choice makes train.
  ///
  /// - Parameter mask: of a method with a fixed child.
  /// - Parameter initialized: parameters that the base lacks; they always train.
  /// - Throws: `mask.wrong-base` when a masked tensor is not the network's, `options.invalid`
  ///   for more layers than there are, and `options.pattern-invalid`.
  package static func of(
    _ layout: ParameterLayout, _ choice: TrainableChoice, mask: ParameterMask?,
    initialized: [ParameterID]
  ) throws(TuningError) -> TrainablePlan {
    let drawn = Set(initialized)
    let child = try mask.map { mask throws(TuningError) in try entries(mask, layout) } ?? [:]
    let whole = Set(layout.allIDs)
    let rateFactor = LayerDecay(layout, factor: choice.layerDecay).rateFactor
    if choice.method.contains(.childD) && choice.profile.movesWholeNetwork {
      return TrainablePlan(
        layout: layout, child: [:], dense: whole, drawn: drawn,
        gradientChild: ChildEntries(positions: child), decays: choice.profile.decays,
        rateFactor: rateFactor)
    }
    var dense = whole
    if choice.method.contains(.childD) || choice.method.contains(.topK) {
      let names = try NamePatternMatcher(choice.dense)
      dense = drawn.union(layout.allIDs.filter { names.matches(layout[$0].name) })
    }
    if choice.method.contains(.topK) {
      dense.formUnion(try topLayers(choice.topLayers, of: layout))
    }
    return TrainablePlan(
      layout: layout, child: child, dense: dense, drawn: drawn, decays: choice.profile.decays,
      rateFactor: rateFactor)
  }

  private static func entries(
    _ mask: ParameterMask, _ layout: ParameterLayout
  ) throws(TuningError) -> [ParameterID: [UInt32]] {
    var child: [ParameterID: [UInt32]] = [:]
    for tensor in mask.tensors {
      guard let id = layout.id(of: tensor.name), layout[id].shape == tensor.shape else {
        throw TuningError(
          .maskWrongBase,
          "the mask belongs to another base: the model has no tensor '\(tensor.name)' of shape "
            + "\(tensor.shape)", hint: "make a mask for this base with ctk mask")
      }
      child[id] = tensor.positions
    }
    return child
  }

  /// Parameters of the uppermost layers and of the head.
  private static func topLayers(
    _ count: Int, of layout: ParameterLayout
  ) throws(TuningError) -> [ParameterID] {
    let layers = Set(layout.parameters.map(\.part)).subtracting([.embeddings, .head]).count
    guard count <= layers else {
      throw TuningError(
        .optionInvalid, "--top-layers is \(count), the model has \(layers) layers")
    }
    let lowest = NetworkPart.layer(layers - count)
    return layout.allIDs.filter { layout[$0].part >= lowest }
  }
}
