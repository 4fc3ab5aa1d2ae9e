package import CTKCore

extension Architecture {
  /// The weight of a head's last layer, [labels, hidden].
  package func headWeightName(_ kind: HeadKind) -> String {
    switch (kind, self) {
    case (.tokens, _), (.sequence, .bert), (.sequence, .distilbert): "classifier.weight"
    case (.sequence, .roberta), (.sequence, .electra): "classifier.out_proj.weight"
    case (.sequence, .xlnet): "logits_proj.weight"
    }
  }

  /// The model class that has this head, as `architectures` of a `config.json` names it.
  ///
  /// - Parameter modelType: the configuration's `model_type`, which may name a variant.
  package func modelClass(_ kind: HeadKind, modelType: String?) -> String {
    let family =
      switch self {
      case .bert: "Bert"
      case .roberta:
        switch modelType {
        case "xlm-roberta": "XLMRoberta"
        case "camembert": "Camembert"
        default: "Roberta"
        }
      case .electra: "Electra"
      case .distilbert: "DistilBert"
      case .xlnet: "XLNet"
      }
    return family + kind.classSuffix
  }
}

extension HeadKind {
  /// How the class of a model with such a head ends.
  package var classSuffix: String {
    switch self {
    case .sequence: "ForSequenceClassification"
    case .tokens: "ForTokenClassification"
    }
  }
}
