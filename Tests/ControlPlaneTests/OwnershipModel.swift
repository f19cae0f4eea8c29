import ControlProtocol

/// Whose entries are whose and which are stale, entry by entry, beside the plain model of the tables.
struct OwnershipModel {
  struct Origin: Equatable {
    var owner: UInt32
    var isStale = false
  }

  var tables = RegistryModel()
  private(set) var origins: [TableKey: Origin] = [:]

  mutating func set(_ records: [TableRecord], owner: UInt32, now: UInt64) {
    _ = tables.set(records, now: now)
    say(records, owner)
  }

  mutating func replace(_ scope: TableScope, with records: [TableRecord], owner: UInt32, now: UInt64) {
    tables.replace(Set(TableNumber.allCases.filter(scope.contains)), with: records, now: now)
    say(records, owner)
  }

  private mutating func say(_ records: [TableRecord], _ owner: UInt32) {
    for record in records { origins[record.key] = Origin(owner: owner) }
    forgetAbsent()
  }

  /// After any change of the tables.
  mutating func forgetAbsent() {
    let keys = tables.keys
    origins = origins.filter { keys.contains($0.key) }
  }

  mutating func beginSynchronization(_ owner: UInt32, _ scope: TableScope) {
    for (key, origin) in origins where origin.owner == owner && scope.contains(key.table) {
      origins[key]?.isStale = true
    }
  }

  func said(_ owner: UInt32, _ scope: TableScope) -> Int {
    origins.count { $0.value == Origin(owner: owner) && scope.contains($0.key.table) }
  }

  /// - Returns: how many went.
  mutating func sweep(_ owner: UInt32, _ scope: TableScope) -> Int {
    let stale = origins.filter { $0.value == Origin(owner: owner, isStale: true) && scope.contains($0.key.table) }
    tables.sweep(Set(stale.keys))
    forgetAbsent()
    return stale.count
  }

  func hasStale(_ table: TableNumber) -> Bool { origins.contains { $0.key.table == table && $0.value.isStale } }

  func digest(_ table: TableNumber) -> UInt64 {
    Self.digest(origins.keys.filter { $0.table == table }.compactMap(record))
  }

  private func record(_ key: TableKey) -> TableRecord? {
    switch key {
    case .binding: tables.bindings[key].map { .binding($0.record) }
    case .tunnel(let tunnel):
      tables.tunnels[tunnel].map {
        .tunnel(TunnelRecord(tunnel: tunnel, isStatic: $0.isStatic, hopLimit: $0.hopLimit))
      }
    case .peer(let address): .peer(PeerRecord(address: address, state: .failed))
    default: nil
    }
  }

  /// By the words of the specification, octet by octet and bit by bit: of these records with lifetime and users 0 and
  /// `flushing` as `active`, without their trailing zeros.
  static func digest(_ records: some Sequence<TableRecord>) -> UInt64 {
    records.reduce(0) { sum, record in
      var frame: [UInt8] = []
      Request.upsert(UpsertRequest(records: [plain(record)])).encode(requestID: 1, into: &frame)
      // Header of 24 octets, prelude of 8.
      var octets = Array(frame.dropFirst(32))
      while octets.last == 0 { octets.removeLast() }
      let product = UInt64(crc(octets)) &* 0x9e37_79b9_7f4a_7c15
      return sum &+ (product ^ product >> 32)
    }
  }

  private static func plain(_ record: TableRecord) -> TableRecord {
    switch record {
    case .binding(var binding):
      binding.lifetime = nil
      if binding.state == .flushing { binding.state = .active }
      return .binding(binding)
    case .tunnel(var tunnel):
      tunnel.users = 0
      return .tunnel(tunnel)
    case .route(var route):
      route.lifetime = nil
      return .route(route)
    case .visitor, .peer: return record
    }
  }

  /// CRC-32 of IEEE 802.3, one bit at a time.
  static func crc(_ octets: [UInt8]) -> UInt32 {
    var remainder = UInt32.max
    for octet in octets {
      remainder ^= UInt32(octet)
      for _ in 0..<8 { remainder = remainder & 1 == 1 ? remainder >> 1 ^ 0xedb8_8320 : remainder >> 1 }
    }
    return ~remainder
  }
}
