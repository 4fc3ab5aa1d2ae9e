/// Tokenizers by the class that `tokenizer_config.json` names.
enum TokenizerFamily {
  case bert
  case roberta
  case xlnet
  case xlmRoberta
  case camembert

  /// - Parameter className: such as `RobertaTokenizerFast`.
  init?(_ className: String) {
    let name = className.replacing("TokenizerFast", with: "").replacing("Tokenizer", with: "")
    switch name {
    case "Bert", "DistilBert", "Electra", "MobileBert": self = .bert
    case "Roberta", "Bart", "Longformer", "LED": self = .roberta
    case "XLNet": self = .xlnet
    case "XLMRoberta": self = .xlmRoberta
    case "Camembert": self = .camembert
    default: return nil
    }
  }
}
