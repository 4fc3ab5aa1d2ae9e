import CTKCore

/// The members of a `.keras` archive that an import needs.
struct KerasArchive {
  /// Where the HDF5 file lies in the archive.
  let weights: Range<Int>
  let configuration: JSONValue

  private static let configurationName = "config.json"
  private static let weightsName = "model.weights.h5"

  init(path: String) throws(CheckpointError) {
    do {
      let file = try MappedFile(path: path)
      (weights, configuration) = try file.withBytes { (bytes) throws in
        let archive = try ZipArchive(file: bytes)
        let weights = try Self.member(Self.weightsName, of: archive)
        let configuration = try Self.member(Self.configurationName, of: archive)
        return (weights, try JSONParser.parse(Array(bytes[configuration])))
      }
    } catch let error as CheckpointError {
      throw error.at(path)
    } catch let error as any Diagnosable {
      throw CheckpointError(wrapping: error).at(path)
    } catch {
      throw CheckpointError(.readFailed, "\(error)", path: path)
    }
  }

  private static func member(
    _ name: String, of archive: ZipArchive
  ) throws(CheckpointError) -> Range<Int> {
    guard let entry = archive.entry(named: name) else {
      throw CheckpointError(
        .containerUnsupported, "the archive has no member '\(name)'",
        hint: "a model that Keras 3 saves as .keras has one")
    }
    guard entry.method == .stored else {
      throw CheckpointError(
        .containerUnsupported, "the member '\(name)' is compressed, which Keras never does",
        hint: "unpack the archive and name \(weightsName) with --config \(configurationName)")
    }
    return entry.range
  }
}
