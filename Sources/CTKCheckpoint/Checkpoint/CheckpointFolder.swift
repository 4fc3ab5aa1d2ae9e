/// File names of a canonical checkpoint.
enum CheckpointFolder {
  static let configuration = "config.json"
  static let weights = "model.safetensors"
  static let importReport = "import-report.json"
}
