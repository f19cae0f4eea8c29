import Synchronization

/// The table as of one generation, for one turn of one worker.
///
/// Every lookup of a turn answers from the same generation of bindings, however long the writer has moved on. Entries
/// returned stay valid until the worker's next quiescent report. Tunnels, next hops and routes are replaced whole and at
/// once; reading one twice in a turn may show two versions of it, never a mixture.
@frozen
@safe
public struct TableSnapshot {
  public let generation: UInt64
  @usableFromInline let mobile: PublishedTable
  @usableFromInline let proxy: PublishedTable
  @usableFromInline let routes: PublishedTable
  @usableFromInline let hash: KeyHash
  // Addresses of the table's mappings, which live as long as the `FlowTable`.
  @usableFromInline let bindingRecords: UnsafeMutableRawPointer
  @usableFromInline let routeRecords: UnsafeMutableRawPointer
  @usableFromInline let tunnelIndex: BucketStorage
  @usableFromInline let tunnelRecords: UnsafeMutableRawPointer
  @usableFromInline let tunnelSlots: UnsafeMutableRawPointer
  @usableFromInline let nextHopRecords: UnsafeMutableRawPointer
  @usableFromInline let nextHopSlots: UnsafeMutableRawPointer
  @usableFromInline let ipv6Roots: UnsafeMutableRawPointer
  @usableFromInline let ipv4Roots: UnsafeMutableRawPointer
  @usableFromInline let routeNodes: UnsafeMutableRawPointer
  @usableFromInline let routeLeaves: UnsafeMutableRawPointer
  @usableFromInline let localizedRoutes: UnsafeMutableRawPointer

  /// The binding at an index that a lookup of this snapshot returned. Index 0 gives an entry with tunnel 0.
  @inlinable @inline(__always)
  public func binding(_ index: UInt32) -> BindingEntry {
    // Indices come from this snapshot's lookups, so the record is inside the arena and complete.
    unsafe BindingEntry(
      record: UnsafePointer(
        (bindingRecords + Int(index) &* 64).assumingMemoryBound(to: BindingRecord.self)))
  }

  /// The tunnel with an identifier, as it is now; `exists` is false if there is none.
  ///
  /// - Parameter id: one that this table has given out, or 0.
  @inlinable @inline(__always)
  public func tunnel(_ id: TunnelID) -> TunnelEntry {
    // Acquire pairs with the release store in `TunnelTable`; identifiers are below the slots' count.
    let index = unsafe tunnelSlots.word32(Int(id.rawValue) &* 4).pointee.load(ordering: .acquiring)
    return unsafe TunnelEntry(
      record: UnsafePointer(
        (tunnelRecords + Int(index) &* 128).assumingMemoryBound(to: TunnelRecord.self)))
  }

  /// The next hop with an identifier, as it is now; unreachable if there is none.
  ///
  /// - Parameter id: one that this table has given out, or 0.
  @inlinable @inline(__always)
  public func nextHop(_ id: NextHopID) -> NextHopEntry {
    // Acquire pairs with the release store in `NextHopTable`; identifiers are below the slots' count.
    let index = unsafe nextHopSlots.word32(Int(id.rawValue) &* 4).pointee.load(ordering: .acquiring)
    return unsafe NextHopEntry(
      record: UnsafePointer(
        (nextHopRecords + Int(index) &* 32).assumingMemoryBound(to: NextHopRecord.self)))
  }

  /// The tunnel between two outer addresses, for decapsulation; `TunnelID(0)` if there is none.
  ///
  /// - Parameters: the outer destination (ours) and the outer source (theirs) as they stand in a packet: memory order is
  ///   network order.
  @inlinable @inline(__always)
  public func tunnelID(local: (UInt64, UInt64), remote: (UInt64, UInt64)) -> TunnelID {
    // Not a call on this value: its 216 octets would be copied for every packet (seen in the disassembly).
    unsafe TunnelSearch(index: tunnelIndex, records: tunnelRecords, keyed: hash)
      .find(TunnelKey(localHigh: local.0, localLow: local.1, remoteHigh: remote.0, remoteLow: remote.1))
  }
}
