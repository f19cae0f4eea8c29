// What HELLO's digests are made of: the CRC-32 of each entry's record, in the one form that does not depend on when it
// was set or who names it.

extension TableRecord {
  /// CRC-32 of the record as DUMP gives it, with lifetime and users 0 and state `flushing` as `active`, without its
  /// trailing zero octets.
  public var checksum: UInt32 {
    var record = self
    switch record {
    case .binding(var binding):
      binding.lifetime = nil
      if binding.state == .flushing { binding.state = .active }
      record = .binding(binding)
    case .tunnel(var tunnel):
      tunnel.users = 0
      record = .tunnel(tunnel)
    case .route(var route):
      route.lifetime = nil
      record = .route(route)
    case .visitor, .peer: break
    }
    var octets: [UInt8] = []
    record.encode(into: &octets, size: record.compactWireSize)
    while octets.last == 0 { octets.removeLast() }
    var sum = CRC32()
    sum.add(octets)
    return sum.value
  }
}

/// The digest of a table: the same for equal contents, whatever the order of their changes.
public struct TableDigest: Hashable, Sendable, BitwiseCopyable {
  /// As in HELLO; 0 for no entry.
  public private(set) var value: UInt64 = 0

  public init() {}

  /// Adds an entry by its checksum.
  @inline(__always)
  public mutating func add(_ checksum: UInt32) { value &+= Self.share(checksum) }

  /// Adds all entries of another digest.
  public mutating func add(_ other: TableDigest) { value &+= other.value }

  /// Takes out an entry.
  @inline(__always)
  public mutating func remove(_ checksum: UInt32) { value &-= Self.share(checksum) }

  /// Spread over 64 bits, so that sums of different entries seldom meet.
  @inline(__always)
  private static func share(_ checksum: UInt32) -> UInt64 {
    let product = UInt64(checksum) &* 0x9e37_79b9_7f4a_7c15
    return product ^ product >> 32
  }
}
