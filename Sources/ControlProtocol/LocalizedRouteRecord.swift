/// A localized route between two mobile nodes' prefixes (table 3, RFC 6705).
public struct LocalizedRouteRecord: Hashable, Sendable {
  public enum Via: Hashable, Sendable {
    /// Both mobile nodes are on this MAG.
    case local
    /// To the other mobile node's MAG.
    case tunnel(WireTunnel)
  }

  public var from: WirePrefix
  public var to: WirePrefix
  public var via: Via
  /// Accepts packets of the pair from the peer MAG, sends none.
  public var receiveOnly: Bool
  /// Seconds; nil is infinite, never 0.
  public var lifetime: UInt32?

  public init(from: WirePrefix, to: WirePrefix, via: Via, receiveOnly: Bool = false, lifetime: UInt32? = nil) {
    self.from = from
    self.to = to
    self.via = via
    self.receiveOnly = receiveOnly
    self.lifetime = lifetime
  }

  public var key: TableKey { .route(from: from, to: to) }
}
