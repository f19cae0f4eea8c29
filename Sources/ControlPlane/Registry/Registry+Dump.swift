import ControlProtocol
import FlowTable

/// Where a dump goes on: the table in the top octet, the next slot below. 0 is the start.
struct DumpCookie: Hashable {
  /// The order in which a load needs them: what is named before what names it.
  static let order: [TableNumber] = [.peers, .tunnels, .visitors, .bindings, .routes]

  var table: TableNumber
  var slot: UInt32

  init(table: TableNumber, slot: UInt32) {
    self.table = table
    self.slot = slot
  }

  init?(rawValue: UInt64) {
    guard let table = TableNumber(rawValue: UInt16(rawValue >> 56)), rawValue & 0x00ff_ffff_0000_0000 == 0 else {
      return nil
    }
    self.init(table: table, slot: UInt32(truncatingIfNeeded: rawValue))
  }

  var rawValue: UInt64 { UInt64(table.rawValue) << 56 | UInt64(slot) }
}

extension Registry {
  /// One slice of a dump from the live registry: what is there during the whole dump is in it exactly once.
  ///
  /// - Parameters:
  ///   - limit: records in the slice at most.
  /// - Returns: nil for a cookie that no dump of this table gave out; a slice without records is the end.
  public func dump(_ request: DumpRequest, limit: Int, now: UInt64) -> DumpSlice? {
    dump(request, limit: limit, now: now) { _, _ in }
  }

  /// The same with the owner of each record, for a snapshot; nil for a tunnel that nobody set.
  public func ownedDump(
    _ request: DumpRequest, limit: Int, now: UInt64
  ) -> (slice: DumpSlice, owners: [UInt32?])? {
    var owners: [UInt32?] = []
    let slice = dump(request, limit: limit, now: now) { table, slot in
      owners.append(origin(table, slot).map(self.owners.owner))
    }
    return slice.map { ($0, owners) }
  }

  private func dump(
    _ request: DumpRequest, limit: Int, now: UInt64, each: (TableNumber, UInt32) -> Void
  ) -> DumpSlice? {
    guard var cookie = start(of: request) else { return nil }
    while true {
      var records: [TableRecord] = []
      while records.count < limit, let (slot, record) = next(cookie, now: now) {
        records.append(record)
        each(cookie.table, slot)
        cookie.slot = slot + 1
      }
      if !records.isEmpty {
        return DumpSlice(
          table: cookie.table, cookie: cookie.rawValue, generation: writer.generation, records: records)
      }
      guard request.table == nil, let next = following(cookie.table) else {
        return DumpSlice(table: request.table, cookie: 0, generation: writer.generation, records: [])
      }
      cookie = DumpCookie(table: next, slot: 0)
    }
  }

  private func start(of request: DumpRequest) -> DumpCookie? {
    guard request.cookie != 0 else { return DumpCookie(table: request.table ?? DumpCookie.order[0], slot: 0) }
    guard let cookie = DumpCookie(rawValue: request.cookie), request.table == nil || cookie.table == request.table
    else {
      return nil
    }
    return cookie
  }

  private func following(_ table: TableNumber) -> TableNumber? {
    DumpCookie.order.firstIndex(of: table).map { $0 + 1 }.flatMap {
      $0 < DumpCookie.order.count ? DumpCookie.order[$0] : nil
    }
  }

  /// The first entry at or after a cookie that a reader may see.
  private func next(_ cookie: DumpCookie, now: UInt64) -> (UInt32, TableRecord)? {
    switch cookie.table {
    case .tunnels:
      var slot = cookie.slot
      while let found = tunnels.next(from: slot) {
        if found.value.isDumped { return (found.slot, .tunnel(record(found.value))) }
        slot = found.slot + 1
      }
      return nil
    case .bindings: return bindings.next(from: cookie.slot).map { ($0.slot, .binding(record($0.value, now: now))) }
    case .visitors: return visitors.next(from: cookie.slot).map { ($0.slot, .visitor(record($0.value))) }
    case .routes:
      var slot = cookie.slot
      while let found = routes.next(from: slot) {
        // One that a load would refuse is not forwarded by, and must not stand in the way of the others.
        if isLocalRoutingOn(found.value.key.from) { return (found.slot, .route(record(found.value, now: now))) }
        slot = found.slot + 1
      }
      return nil
    case .peers:
      return peers.next(from: cookie.slot).map {
        ($0.slot, .peer(PeerRecord(address: $0.value.address.wire, state: .failed)))
      }
    }
  }
}
