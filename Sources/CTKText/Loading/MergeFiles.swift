import CTKCore

/// The files `vocab.json` and `merges.txt` of a byte-level model, as RoBERTa has it.
enum MergeFiles {
  static func tokenizer(
    vocabulary path: String, merges: String, settings: TokenizerSettings
  ) throws(TextError) -> any Tokenizer {
    try settings.requireFamily(.roberta, of: "vocab.json")
    let json = try TextError.wrap { () throws(CoreError) in try JSONParser.parseFile(path) }
    var builder = try BytePairBuilder(vocabulary: JSONSection(json, name: "vocab"))
    builder.isByteLevel = true
    let special = SpecialTokens(
      settings.specialTokens, .angled, builder.vocabulary, settings.addedTokens)
    let stages = PipelineStages(
      normalizer: TextNormalizer(steps: []),
      preTokenizer: PreTokenizer(steps: [
        .byteLevel(ByteLevelPreTokenizer(addsPrefixSpace: settings.addsPrefixSpace))
      ]),
      templates: .roberta(
        cls: try special.requiredID(.cls), sep: try special.requiredID(.sep)))
    let model: BytePairEncoding
    do {
      model = try builder.model(merges: MergeList.read(file: merges))
    } catch {
      throw error.at(merges)
    }
    return PipelineTokenizer(
      stages, model: model,
      addedTokens: try AddedTokenCheck.checked(special.allTokens, against: builder.vocabulary),
      padTokenID: try special.requiredID(.pad))
  }
}
