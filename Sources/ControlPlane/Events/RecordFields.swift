import ControlProtocol
import FlowTable

// A record's fields by the dotted names of its JSON form, for events.

extension DaemonEvent {
  /// An owner has set or deleted an entry.
  static func changed(_ change: EntryChange, owner: UInt32) -> DaemonEvent {
    switch change {
    case .set(let record):
      DaemonEvent(.changed, "changed", [("operation", "set"), ("owner", "\(owner)")] + record.fields)
    case .delete(let key):
      DaemonEvent(.changed, "changed", [("operation", "delete"), ("owner", "\(owner)")] + key.fields)
    }
  }
}

extension TableRecord {
  /// What was given, nil where nothing was.
  fileprivate var fields: [(String, String?)] {
    switch self {
    case .binding(let record): record.fields
    case .tunnel(let record): record.fields
    case .route(let record): record.fields
    case .visitor(let record): [("visitor", text(record.prefix)), ("port", record.port)]
    case .peer(let record): [("peer", text(record.address)), ("state", record.state.name)]
    }
  }
}

extension TableKey {
  fileprivate var fields: [(String, String?)] {
    switch self {
    case .binding(let table, let prefix, _): [("table", table.name), ("prefix", text(prefix))]
    case .bindings(let remote, let table): [("table", table?.name), ("remote", text(remote))]
    case .tunnel(let tunnel): ends("tunnel", tunnel)
    case .route(let from, let to): [("route.from", text(from)), ("route.to", text(to))]
    case .visitor(let prefix): [("visitor", text(prefix))]
    case .peer(let address): [("peer", text(address))]
    }
  }
}

extension BindingRecord {
  fileprivate var fields: [(String, String?)] {
    var fields: [(String, String?)] = [("table", table.name), ("prefix", text(prefix))]
    fields += ends("tunnel", tunnel)
    fields += [
      ("mn", mobileNode), ("lifetime", lifetime.map(String.init)), ("state", state.name),
      ("greKey.up", greUp.map(String.init)), ("greKey.down", greDown.map(String.init)),
    ]
    if let access {
      fields += [
        ("access.port", access.port), ("access.mac", "\(MACAddress(access.mac))"),
        ("access.vlan", access.vlan.map(String.init)),
      ]
    }
    fields += [("requireEsp", requiresESP ? "true" : nil), ("localRouting", localRouting.map(String.init))]
    return fields + (peer.map { ends("peer", $0) } ?? [])
  }
}

extension TunnelRecord {
  fileprivate var fields: [(String, String?)] {
    ends("tunnel", tunnel) + [
      ("static", isStatic ? "true" : nil), ("hopLimit", hopLimit.map(String.init)), ("mtu", mtu?.text),
      ("encapsulationLimit", encapsulationLimit?.text), ("dscp", dscp?.text), ("ecn", ecn?.text),
    ]
  }
}

extension LocalizedRouteRecord {
  fileprivate var fields: [(String, String?)] {
    var fields: [(String, String?)] = [("route.from", text(from)), ("route.to", text(to))]
    switch via {
    case .local: fields.append(("via", "local"))
    case .tunnel(let tunnel): fields += ends("via", tunnel)
    }
    return fields + [("lifetime", lifetime.map(String.init)), ("receiveOnly", receiveOnly ? "true" : nil)]
  }
}

private func text(_ address: WireAddress) -> String { "\(IPAddress(address))" }
private func text(_ prefix: WirePrefix) -> String { "\(Prefix(prefix))" }

private func ends(_ name: String, _ tunnel: WireTunnel) -> [(String, String?)] {
  [("\(name).local", text(tunnel.local)), ("\(name).remote", text(tunnel.remote))]
}
