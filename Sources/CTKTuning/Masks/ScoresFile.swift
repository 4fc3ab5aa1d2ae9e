import CTKCore
package import CTKModel
import CTKSafetensors
import CTKTensor

/// Scores as one f32 tensor per scored parameter, under its canonical name.
package enum ScoresFile {
  package static func write(
    _ scores: WeightScores, layout: ParameterLayout, to path: String, replacesExisting: Bool
  ) throws(TuningError) {
    do {
      var starts: [String: Int] = [:]
      var infos: [TensorInfo] = []
      var start = 0
      for id in scores.scored {
        infos.append(try TensorInfo(name: layout[id].name, dtype: .f32, shape: layout[id].shape))
        starts[layout[id].name] = start
        start += layout[id].count
      }
      var writer = try SafetensorsWriter(
        path: path, tensors: infos, metadata: ["format": "ctk-scores"],
        replacesExisting: replacesExisting)
      for info in writer.order {
        try writer.write(
          UnsafeRawBufferPointer(
            start: scores.values.base + (starts[info.name] ?? 0), count: info.byteCount))
      }
      try writer.commit()
    } catch let error as any Diagnosable {
      throw TuningError(wrapping: error)
    } catch {
      throw TuningError(.stateInvalid, "\(error)", path: path)
    }
  }
}
