/// A record of any table.
public enum TableRecord: Hashable, Sendable {
  case binding(BindingRecord)
  case tunnel(TunnelRecord)
  case route(LocalizedRouteRecord)
  case visitor(VisitorRecord)

  public var table: TableNumber {
    switch self {
    case .binding: .bindings
    case .tunnel: .tunnels
    case .route: .routes
    case .visitor: .visitors
    }
  }

  public var key: TableKey {
    switch self {
    case .binding(let record): record.key
    case .tunnel(let record): record.key
    case .route(let record): record.key
    case .visitor(let record): record.key
    }
  }
}

/// What DELETE names. A binding's key may carry the tunnel remote that it must still have.
public enum TableKey: Hashable, Sendable {
  case binding(BindingRecord.Table, WirePrefix, expect: WireAddress?)
  case tunnel(WireTunnel)
  case route(from: WirePrefix, to: WirePrefix)
  case visitor(WirePrefix)

  public var table: TableNumber {
    switch self {
    case .binding: .bindings
    case .tunnel: .tunnels
    case .route: .routes
    case .visitor: .visitors
    }
  }
}
