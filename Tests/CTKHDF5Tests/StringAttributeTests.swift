import CTKCore
import CTKHDF5
import CTKTestSupport
import Testing

@Suite(.tags(.format)) struct StringAttributeTests {
  private static let fixture = "checkpoints/malformed/hdf5/ok-attributes.h5"

  @Test func everyFormOfStringsIsRead() throws {
    let file = try HDF5File(path: Fixtures.path(Self.fixture))
    let listed = MalformedCase.named("ok-attributes.h5")?.expectation["attributes"]?["g"]
    let attributes = try #require(listed?.objectValue)
    #expect(attributes.count > 5)
    for (name, value) in attributes.members {
      if let text = value.stringValue {
        #expect(try file.stringAttribute(name, of: "g") == text, "\(name)")
      } else {
        let strings = value.arrayValue?.compactMap(\.stringValue)
        #expect(try file.stringListAttribute(name, of: "g") == strings, "\(name)")
      }
    }
  }

  @Test func aListIsNoSingleString() throws {
    let file = try HDF5File(path: Fixtures.path(Self.fixture))
    let error = #expect(throws: HDF5Error.self) {
      try file.stringAttribute("vlen_utf8", of: "g")
    }
    #expect(error?.code == "hdf5.attribute-unsupported")
  }

  @Test func numbersAreNoStrings() throws {
    let file = try HDF5File(
      path: Fixtures.path("checkpoints/malformed/hdf5/ok-attributes-dense.h5"))
    let error = #expect(throws: HDF5Error.self) { try file.stringListAttribute("big", of: "") }
    #expect(error?.code == "hdf5.attribute-unsupported")
  }

  @Test(
    .tags(.hostile),
    arguments: [
      "damage-global-heap-object.h5", "damage-global-heap-size.h5",
      "damage-global-heap-signature.h5",
    ])
  func aDamagedHeapSpoilsOnlyTheAttribute(_ name: String) throws {
    let file = try HDF5File(path: Fixtures.path("checkpoints/malformed/hdf5/" + name))
    #expect(try file.floats("a").count == 15)
    let error = #expect(throws: HDF5Error.self) {
      try file.stringListAttribute("layer_names", of: "")
    }
    #expect(error?.code == "hdf5.damaged")
  }
}
