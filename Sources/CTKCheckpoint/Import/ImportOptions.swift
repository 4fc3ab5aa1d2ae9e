public import CTKCore

/// The choices of `ctk import`.
public struct ImportOptions: Sendable {
  /// The configuration; nil means `config.json` beside the weights.
  public var configurationPath: String?
  /// A tokenizer's folder or file; nil means the folder of the weights.
  public var tokenizerPath: String?
  /// Nil means what the configuration says.
  public var architecture: Architecture?
  public var dtype: ImportDType
  /// Whether a source that lacks tensors of the embeddings or layers, or holds weights that are
  /// NaN or infinite, is an error; otherwise the report says so.
  public var isStrict = false
  /// Whether to stop after the plan, writing nothing.
  public var isDryRun: Bool
  /// Whether an existing output may be replaced.
  public var replacesExisting: Bool

  public init(
    configurationPath: String? = nil, tokenizerPath: String? = nil,
    architecture: Architecture? = nil, dtype: ImportDType = .keep, isDryRun: Bool = false,
    replacesExisting: Bool = false
  ) {
    self.configurationPath = configurationPath
    self.tokenizerPath = tokenizerPath
    self.architecture = architecture
    self.dtype = dtype
    self.isDryRun = isDryRun
    self.replacesExisting = replacesExisting
  }
}
