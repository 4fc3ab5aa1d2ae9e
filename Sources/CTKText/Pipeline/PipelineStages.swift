/// What a tokenizer does before and after its model.
struct PipelineStages: Sendable {
  let normalizer: TextNormalizer
  let preTokenizer: PreTokenizer
  let templates: SequenceTemplates
}
