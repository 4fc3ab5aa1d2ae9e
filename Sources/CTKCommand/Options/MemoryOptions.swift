import ArgumentParser
import CTKModel

struct MemoryOptions: ParsableArguments {
  @Flag(
    help: """
      Keep only the input of each layer and run the layers again on the way back: the same \
      bits from much less memory, for about a third more time.
      """)
  var recompute = false

  var activations: KeptActivations { recompute ? .layerInputs : .all }
}
