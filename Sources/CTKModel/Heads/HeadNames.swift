package import CTKCore

extension Architecture {
  /// The weight of a sentence head's last layer, [labels, hidden].
  package var headWeightName: String {
    switch self {
    case .bert, .distilbert: "classifier.weight"
    case .roberta, .electra: "classifier.out_proj.weight"
    case .xlnet: "logits_proj.weight"
    }
  }

  /// The model class that has this head, as `architectures` of a `config.json` names it.
  ///
  /// - Parameter modelType: the configuration's `model_type`, which may name a variant.
  package func sequenceClassifierClass(modelType: String?) -> String {
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
    return family + "ForSequenceClassification"
  }
}
