import CTKCore
import CTKPatch
public import CTKPatchHeader

/// A decoded patch as C holds it.
private final class TaskHandle: Sendable {
  let task: ResidentTask

  init(_ task: ResidentTask) { self.task = task }

  static func of(_ pointer: OpaquePointer?) -> ResidentTask? {
    pointer.map {
      Unmanaged<TaskHandle>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue().task
    }
  }
}

@c @implementation
public func ctkpatch_decode(
  _ patch: OpaquePointer!, _ tensors: UnsafePointer<ctkpatch_tensor>!, _ count: Int,
  _ flags: UInt32, _ error: UnsafeMutablePointer<ctkpatch_error>!
) -> OpaquePointer! {
  reporting(error) {
    let handle = try PatchHandle.of(patch)
    let table = table(try memory(tensors, count))
    var options = MemoryPatching(handle.patch, .apply)
    options.checksSource = try !isSet(CTKPATCH_SKIP_SOURCE_DIGESTS, in: flags)
    try options.checkSources(Array(table.values))
    let task = try ResidentTask(handle.patch) { name in
      table[UTF8Key(name)].map { UnsafeRawBufferPointer($0.bytes) }
    }
    return OpaquePointer(Unmanaged.passRetained(TaskHandle(task)).toOpaque())
  }.result
}

@c @implementation
public func ctkpatch_task_free(_ task: OpaquePointer!) {
  guard let task else { return }
  Unmanaged<TaskHandle>.fromOpaque(UnsafeRawPointer(task)).release()
}

@c @implementation
public func ctkpatch_task_byte_count(_ task: OpaquePointer!) -> Int {
  TaskHandle.of(task)?.byteCount ?? 0
}

@c @implementation
public func ctkpatch_switch(
  _ from: OpaquePointer!, _ to: OpaquePointer!, _ tensors: UnsafePointer<ctkpatch_tensor>!,
  _ count: Int, _ threads: UInt32, _ error: UnsafeMutablePointer<ctkpatch_error>!
) -> Int32 {
  reporting(error) {
    let table = table(try memory(tensors, count))
    let plan = try TaskSwitch(from: TaskHandle.of(from), to: TaskHandle.of(to)) { info in
      table[UTF8Key(info.name)]?.bytes
    }
    plan.run(threadCount: threads == 0 ? nil : Int(threads))
  }.status
}

private func table(_ tensors: [MemoryTensor]) -> [UTF8Key: MemoryTensor] {
  Dictionary(
    tensors.map { (UTF8Key($0.info.name), $0) }, uniquingKeysWith: { first, _ in first })
}
