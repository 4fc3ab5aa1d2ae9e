import CTKCore

/// Labelling of words: files in the CoNLL layout.
package struct TokenTask: Sendable {
  package let trainFile: String?
  package let devFile: String?
  /// Labels by id; nil takes those of the training file, sorted by UTF-8 bytes.
  let tags: [String]?

  package init(trainFile: String?, devFile: String?) {
    self.trainFile = trainFile
    self.devFile = devFile
    tags = nil
  }

  private init(trainFile: String, devFile: String, tags: [String]) {
    self.trainFile = trainFile
    self.devFile = devFile
    self.tags = tags
  }

  /// The English data of the CoNLL 2003 shared task, as it was published or under the names
  /// it is usually passed on.
  ///
  /// - Throws: `data.missing`.
  package static func conll2003(folder: String) throws(TuningError) -> TokenTask {
    let layouts = [
      ("eng.train", "eng.testa"), ("train.txt", "valid.txt"), ("train.txt", "dev.txt"),
    ]
    let found = layouts.first { names in
      [names.0, names.1].allSatisfy { Folder.fileExists(folder + "/" + $0) }
    }
    guard let found else {
      throw TuningError(
        .dataMissing, "the files of task 'conll2003' are not here", path: folder,
        hint: "expected eng.train and eng.testa, or train.txt and valid.txt")
    }
    return TokenTask(
      trainFile: folder + "/" + found.0, devFile: folder + "/" + found.1, tags: conll2003Tags)
  }

  /// In the order of the Hugging Face data set.
  package static let conll2003Tags =
    ["O"] + ["PER", "ORG", "LOC", "MISC"].flatMap { ["B-\($0)", "I-\($0)"] }

  /// Reads the files that are given; the other part stays empty.
  ///
  /// - Parameter labels: a model's own labels, which fix the ids.
  /// - Throws: `options.invalid`, `data.missing`, `data.empty`, `data.not-utf8`,
  ///   `data.too-few-columns`, `data.label-unknown`, and those of files.
  package func read(labels: [String]?) throws(TuningError) -> TaskData {
    guard trainFile != nil || devFile != nil else {
      throw TuningError(
        .optionInvalid, "a task of labelled words needs data",
        hint: "name a training file or a dev file")
    }
    let train = try trainFile.map { (path) throws(TuningError) in
      try SentenceFile(path: path).sentences()
    }
    let dev = try devFile.map { (path) throws(TuningError) in
      try SentenceFile(path: path).sentences()
    }
    let names = try names(labels, train)
    return TaskData(
      train: try examples(train, names, trainFile), dev: try examples(dev, names, devFile),
      labels: .tags(names), skippedRows: 0)
  }

  private func names(
    _ labels: [String]?, _ train: [SentenceFile.Sentence]?
  ) throws(TuningError) -> [String] {
    if let known = labels ?? tags { return known }
    guard let train else {
      throw TuningError(
        .optionInvalid, "the labels are unknown without a training file",
        hint: "name a training file, or use a model whose configuration names its labels")
    }
    return Set(train.flatMap(\.labels)).sorted { utf8Precedes($0, $1) }
  }

  private func examples(
    _ sentences: [SentenceFile.Sentence]?, _ names: [String], _ path: String?
  ) throws(TuningError) -> [Example] {
    guard let sentences, let path else { return [] }
    let file = DataFile(path: path, format: .tsv(hasHeader: false), columns: [])
    let reader = LabelReader.classes(
      Dictionary(zip(names, names.indices), uniquingKeysWith: { first, _ in first }))
    var examples: [Example] = []
    for sentence in sentences {
      var tags: [Int] = []
      for (label, line) in zip(sentence.labels, sentence.lines) {
        if case .classID(let id) = try reader.label(label, in: file, line: line) {
          tags.append(id)
        }
      }
      examples.append(Example(words: sentence.words, tags: tags))
    }
    return examples
  }
}
