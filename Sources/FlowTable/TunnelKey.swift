/// The two ends of a tunnel in memory order: what decapsulation looks a tunnel up by.
@frozen
@usableFromInline
struct TunnelKey: Hashable, BitwiseCopyable {
  @usableFromInline let localHigh: UInt64
  @usableFromInline let localLow: UInt64
  @usableFromInline let remoteHigh: UInt64
  @usableFromInline let remoteLow: UInt64

  @inlinable
  init(localHigh: UInt64, localLow: UInt64, remoteHigh: UInt64, remoteLow: UInt64) {
    self.localHigh = localHigh
    self.localLow = localLow
    self.remoteHigh = remoteHigh
    self.remoteLow = remoteLow
  }

  init(_ endpoints: TunnelEndpoints) {
    self.init(
      localHigh: endpoints.local.high.bigEndian, localLow: endpoints.local.low.bigEndian,
      remoteHigh: endpoints.remote.high.bigEndian, remoteLow: endpoints.remote.low.bigEndian)
  }

  @inline(__always)
  func hash(_ keyed: KeyHash) -> UInt64 {
    let local = keyed.hash(high: localHigh, low: localLow, factor: keyed.second)
    return keyed.hash(high: local ^ remoteHigh, low: remoteLow, factor: keyed.second)
  }

  /// The identifier of the tunnel with these ends, 0 if the index has none. For readers and the writer.
  func find(in index: BucketStorage, _ records: UnsafeMutableRawPointer, _ hash: UInt64) -> UInt32 {
    var id: UInt32 = 0
    _ = index.place(hash) { number in
      // A slot of the index holds the number of a complete record inside the arena; its load was an acquire.
      let record = unsafe (records + Int(number) &* TunnelRecord.bytes).assumingMemoryBound(to: TunnelRecord.self)
      let isWanted = unsafe isKey(of: record)
      if isWanted { id = unsafe record.pointee.id }
      return isWanted
    }
    return id
  }

  @inline(__always)
  func isKey(of record: UnsafePointer<TunnelRecord>) -> Bool {
    // The caller's record is complete.
    unsafe (record.pointee.remoteLow ^ remoteLow) | (record.pointee.remoteHigh ^ remoteHigh)
      | (record.pointee.localLow ^ localLow) | (record.pointee.localHigh ^ localHigh) == 0
  }
}

/// The index of tunnels as a worker asks it: four words, so that a call passes them in registers.
@safe
@usableFromInline
struct TunnelSearch: BitwiseCopyable {
  @usableFromInline let index: BucketStorage
  // The mapping of the table's tunnel records.
  @usableFromInline let records: UnsafeMutableRawPointer
  @usableFromInline let keyed: KeyHash

  @usableFromInline
  init(index: BucketStorage, records: UnsafeMutableRawPointer, keyed: KeyHash) {
    self.index = index
    unsafe self.records = unsafe records
    self.keyed = keyed
  }

  @usableFromInline
  func find(_ key: TunnelKey) -> TunnelID {
    let hash = key.hash(keyed)
    // Nearly every tunnel is the first in its own bucket with its tag.
    let bucket = index.homeBucket(hash)
    let match = bucket.match(BucketStorage.tag(hash))
    if match.slots != 0 {
      // As in `TunnelKey.find`.
      let number = Int(bucket.index(match.slot))
      let record = unsafe (records + number &* TunnelRecord.bytes).assumingMemoryBound(to: TunnelRecord.self)
      if unsafe key.isKey(of: record) { return TunnelID(unsafe record.pointee.id) }
    }
    return TunnelID(unsafe key.find(in: index, records, hash))
  }
}
