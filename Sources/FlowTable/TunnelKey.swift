/// The two ends of a tunnel in memory order: what decapsulation looks a tunnel up by.
struct TunnelKey: Hashable, BitwiseCopyable {
  let localHigh: UInt64
  let localLow: UInt64
  let remoteHigh: UInt64
  let remoteLow: UInt64

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
      let isWanted =
        unsafe record.pointee.remoteLow == remoteLow && record.pointee.remoteHigh == remoteHigh
        && record.pointee.localLow == localLow && record.pointee.localHigh == localHigh
      if isWanted { id = unsafe record.pointee.id }
      return isWanted
    }
    return id
  }
}
