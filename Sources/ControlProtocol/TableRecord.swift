/// A record of any table.
public enum TableRecord: Hashable, Sendable {
  case binding(BindingRecord)
  case tunnel(TunnelRecord)
  case route(LocalizedRouteRecord)
  case visitor(VisitorRecord)
  case peer(PeerRecord)

  public var table: TableNumber {
    switch self {
    case .binding: .bindings
    case .tunnel: .tunnels
    case .route: .routes
    case .visitor: .visitors
    case .peer: .peers
    }
  }

  public var key: TableKey {
    switch self {
    case .binding(let record): record.key
    case .tunnel(let record): record.key
    case .route(let record): record.key
    case .visitor(let record): record.key
    case .peer(let record): record.key
    }
  }
}

/// What DELETE names. A binding's key may carry the tunnel remote that it must still have.
public enum TableKey: Hashable, Sendable {
  case binding(BindingRecord.Table, WirePrefix, expect: WireAddress?)
  case tunnel(WireTunnel)
  case route(from: WirePrefix, to: WirePrefix)
  case visitor(WirePrefix)
  case peer(WireAddress)
  /// Every binding whose tunnel has this remote (bulk revocation, RFC 5846), of one cache or of both.
  case bindings(remote: WireAddress, BindingRecord.Table?)

  public var table: TableNumber {
    switch self {
    case .binding, .bindings: .bindings
    case .tunnel: .tunnels
    case .route: .routes
    case .visitor: .visitors
    case .peer: .peers
    }
  }
}
