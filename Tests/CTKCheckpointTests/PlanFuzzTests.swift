import CTKCheckpoint
import CTKCore
import CTKTestSupport
import Testing

@Suite("Random damage to a source", .tags(.hostile))
struct PlanFuzzTests {
  @Test("A plan places every tensor once or is refused", arguments: 0..<16 as Range<UInt64>)
  func randomDamage(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let path = model("ok/config.json")
    let configuration = try SourceConfiguration.read(path)
    let sound = try SmallBert().tensors.tensors
    for _ in 0..<50 {
      var tensors = sound
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let position = Int.random(in: tensors.indices, using: &generator)
        tensors[position] = try Self.damaged(tensors[position], &generator)
      }
      do {
        let plan = try ImportPlan(tensors: tensors, configuration: configuration)
        let placed = plan.used.count + plan.aliases.count + plan.skipped.count
        #expect(placed == tensors.count)
        for step in plan.used where step.operation == .copy {
          #expect(step.source.shape == step.target.shape)
        }
      } catch {
        #expect(error.code.hasPrefix("import."), "\(error)")
      }
    }
  }

  private static func damaged(
    _ info: TensorInfo, _ generator: inout SeededGenerator
  ) throws -> TensorInfo {
    var name = info.name
    var shape = info.shape
    switch Int.random(in: 0..<6, using: &generator) {
    case 0: name = "module." + name
    case 1: name = String(name.dropFirst(5))
    case 2: name = name.replacing(".", with: "/") + ":0"
    case 3:
      name = name.replacing(
        "layer.0", with: "layer.\(UInt32(truncatingIfNeeded: generator.next()))")
    case 4: shape.append(1)
    default: shape[0] += 1
    }
    return try TensorInfo(name: name, dtype: info.dtype, shape: shape)
  }
}
