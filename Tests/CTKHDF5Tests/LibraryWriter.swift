import CHDF5

/// Writes files with libhdf5, so that ctk's reader meets a writer not its own.
///
/// The library is built for one caller at a time: tests that use it are serialized.
struct LibraryWriter: ~Copyable {
  enum Chunking {
    case contiguous
    case compact
    case chunked([Int])
  }

  enum Filter {
    case deflate
    case shuffle
    case fletcher32
  }

  /// How one dataset is to be stored.
  struct Dataset {
    var shape: [Int]
    /// Nil along an axis that may grow without limit.
    var maxima: [Int?]?
    var chunking = Chunking.contiguous
    var filters: [Filter] = []
    var allocatesEarly = false
    var leavesEdgesUnfiltered = false
  }

  private let file: hid_t

  /// - Parameter usesLatestFormat: newest structures that the library knows.
  init(path: String, usesLatestFormat: Bool) {
    let access = H5Pcreate(ctk_h5_file_access_class())
    if usesLatestFormat {
      H5Pset_libver_bounds(access, ctk_h5_latest_format(), ctk_h5_latest_format())
    }
    file = H5Fcreate(path, ctk_h5_truncate(), ctk_h5_default_properties(), access)
    precondition(file >= 0, "libhdf5 cannot create \(path)")
    H5Pclose(access)
  }

  deinit { H5Fclose(file) }

  /// Writes a little-endian f32 dataset, or its rows up to `writtenRows` only.
  func write(_ name: String, _ dataset: Dataset, _ values: [Float], writtenRows: Int? = nil) {
    let extents = dataset.shape.map { hsize_t($0) }
    let maxima = dataset.maxima?.map { $0.map { hsize_t($0) } ?? ctk_h5_unlimited() }
    let space = H5Screate_simple(Int32(extents.count), extents, maxima ?? extents)
    let properties = Self.properties(dataset)
    let id = H5Dcreate2(
      file, name, ctk_h5_little_endian_float(), space, ctk_h5_default_properties(), properties,
      ctk_h5_default_properties())
    precondition(id >= 0, "libhdf5 cannot create \(name)")
    var memorySpace = ctk_h5_whole_space()
    var count = extents
    if let writtenRows {
      count[0] = hsize_t(writtenRows)
      let start = [hsize_t](repeating: 0, count: extents.count)
      H5Sselect_hyperslab(space, H5S_SELECT_SET, start, nil, count, nil)
      memorySpace = H5Screate_simple(Int32(count.count), count, nil)
    }
    let status = H5Dwrite(
      id, ctk_h5_native_float(), memorySpace, writtenRows == nil ? ctk_h5_whole_space() : space,
      ctk_h5_default_properties(), values)
    precondition(status >= 0, "libhdf5 cannot write \(name)")
    if writtenRows != nil { H5Sclose(memorySpace) }
    H5Dclose(id)
    H5Pclose(properties)
    H5Sclose(space)
  }

  /// Makes an empty group.
  func makeGroup(_ name: String) {
    let all = ctk_h5_default_properties()
    H5Gclose(H5Gcreate2(file, name, all, all, all))
  }

  private static func properties(_ dataset: Dataset) -> hid_t {
    let properties = H5Pcreate(ctk_h5_dataset_creation_class())
    switch dataset.chunking {
    case .contiguous: break
    case .compact: H5Pset_layout(properties, H5D_COMPACT)
    case .chunked(let shape):
      H5Pset_chunk(properties, Int32(shape.count), shape.map { hsize_t($0) })
    }
    for filter in dataset.filters {
      switch filter {
      case .deflate: H5Pset_deflate(properties, 6)
      case .shuffle: H5Pset_shuffle(properties)
      case .fletcher32: H5Pset_fletcher32(properties)
      }
    }
    if dataset.allocatesEarly { H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY) }
    if dataset.leavesEdgesUnfiltered {
      H5Pset_chunk_opts(properties, UInt32(H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS))
    }
    return properties
  }
}
