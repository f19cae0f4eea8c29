/// A route from one mobile node's prefix to another's that does not pass their anchor (RFC 6705).
public struct LocalizedRoute: Hashable, Sendable {
  /// The other mobile node's prefix.
  public var to: Prefix
  /// The tunnel to the other mobile node's MAG.
  public var tunnel: TunnelID
  /// The route only lets packets in: nothing is sent by it (RFC 6705 section 6: each direction is independent).
  public var isReceiveOnly: Bool

  public init(to: Prefix, tunnel: TunnelID, isReceiveOnly: Bool = false) {
    self.to = to
    self.tunnel = tunnel
    self.isReceiveOnly = isReceiveOnly
  }
}

/// All localized routes from one prefix, as a block that never changes: it is replaced together with the binding that
/// names it. 0 is none.
@frozen
public struct LocalizedRoutesID: Hashable, Sendable, BitwiseCopyable {
  public let rawValue: UInt32
  @inlinable
  public init(_ rawValue: UInt32) { self.rawValue = rawValue }
}

/// The record behind a localized route: 24 octets in a block, behind its header of 16 octets whose first 64 bits are how
/// many follow. Immutable from the publication of a binding that names the block until the block is freed.
struct LocalizedRouteRecord: BitwiseCopyable {
  /// The masked address of the prefix `to`.
  var high: UInt64 = 0
  var low: UInt64 = 0
  var tunnel: UInt32 = 0
  var lengthClass = LengthClass.none
  var flags: UInt8 = 0
  var unused: UInt16 = 0

  static let receiveOnly: UInt8 = 1
  static let bytes = 24
  static let headerBytes = 16
  /// The unit of the blocks' memory.
  static let unitBytes = 128
  /// More of one prefix are refused: a packet that leaves by one is looked up by going through them.
  static let limit = 256

  init(_ route: LocalizedRoute) {
    let key = TableKey(route.to)
    high = key.high
    low = key.low
    lengthClass = key.lengthClass
    tunnel = route.tunnel.rawValue
    flags = route.isReceiveOnly ? Self.receiveOnly : 0
  }

  static func units(_ routes: Int) -> Int { (headerBytes + routes * bytes + unitBytes - 1) / unitBytes }

  @inline(__always)
  func contains(_ address: IPAddress) -> Bool {
    let mask = lengthClass.mask
    return ((address.high & mask.high) ^ high) | ((address.low & mask.low) ^ low) == 0
      && address.family == lengthClass.family
  }

  var isReceiveOnly: Bool { flags & Self.receiveOnly != 0 }
}
