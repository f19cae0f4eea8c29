import Synchronization

/// The shared words that publish a table's content: the first page of a `FlowTable`.
///
/// Written by the writer only. One line (pair) for the generation, one for each prefix table's root and lengths.
enum Header {
  static let generation = 0
  static let mobile = 128
  static let proxy = 192
  static let routes = 256
  /// Within a table's line: the storage word, then the three words of the lengths in use.
  static let lengths = 8
  static let bytes = 4096
}

/// Where everything that a worker reads lies. A trivial value; the `FlowTable` it came from must outlive it.
@safe
public struct FlowTableView: @unchecked Sendable {
  // Addresses of the owner's mappings, which live as long as the owner.
  let header: UnsafeMutableRawPointer
  let bindings: UnsafeMutableRawPointer
  let routes: UnsafeMutableRawPointer
  let tunnels: UnsafeMutableRawPointer
  let tunnelSlots: UnsafeMutableRawPointer
  let nextHops: UnsafeMutableRawPointer
  let nextHopSlots: UnsafeMutableRawPointer
  let tunnelIndex: BucketStorage
  let ipv6Roots: UnsafeMutableRawPointer
  let ipv4Roots: UnsafeMutableRawPointer
  let routeNodes: UnsafeMutableRawPointer
  let routeLeaves: UnsafeMutableRawPointer
  let localizedRoutes: UnsafeMutableRawPointer
  let hash: KeyHash

  /// What one turn of a worker reads: taken once at its start, used until its quiescent report, never kept beyond.
  public func snapshot() -> TableSnapshot {
    // Acquire pairs with the release store in `TableWriter.publish`. It comes first: whatever belongs to this
    // generation is in the roots and lengths loaded after it.
    let generation = unsafe header.word64(Header.generation).pointee.load(ordering: .acquiring)
    return unsafe TableSnapshot(
      generation: generation, mobile: table(Header.mobile), proxy: table(Header.proxy), routes: table(Header.routes),
      hash: hash, bindingRecords: bindings, routeRecords: routes, tunnelIndex: tunnelIndex, tunnelRecords: tunnels,
      tunnelSlots: tunnelSlots, nextHopRecords: nextHops, nextHopSlots: nextHopSlots, ipv6Roots: ipv6Roots,
      ipv4Roots: ipv4Roots, routeNodes: routeNodes, routeLeaves: routeLeaves, localizedRoutes: localizedRoutes)
  }

  /// The last published generation.
  public var generation: UInt64 {
    // Acquire, as in `snapshot`.
    unsafe header.word64(Header.generation).pointee.load(ordering: .acquiring)
  }

  private func table(_ line: Int) -> PublishedTable {
    // Acquire pairs with the release store in `PrefixTable.publishStorage`.
    let root = unsafe header.word64(line).pointee.load(ordering: .acquiring)
    // Relaxed: a length is set before the generation that needs it is published, and that was loaded with acquire.
    return PublishedTable(
      storage: BucketStorage(word: root),
      lengths: LengthSet(
        words: (
          unsafe header.word64(line + Header.lengths).pointee.load(ordering: .relaxed),
          unsafe header.word64(line + Header.lengths + 8).pointee.load(ordering: .relaxed),
          unsafe header.word64(line + Header.lengths + 16).pointee.load(ordering: .relaxed)
        )))
  }
}

/// One prefix table in one snapshot.
@usableFromInline
struct PublishedTable: BitwiseCopyable {
  let storage: BucketStorage
  let lengths: LengthSet
}
