import ControlProtocol
import RecordText

/// An entry as lines for people.
enum EntryText {
  static func lines(_ entry: LookupEntry) -> [String] {
    var lines: [String]
    switch entry.record {
    case .binding(let binding): lines = binding.lines
    case .tunnel(let tunnel): lines = tunnel.lines
    case .route(let route): lines = route.lines
    case .visitor(let visitor): lines = ["visitor \(visitor.prefix)", row("port", visitor.port)]
    case .peer(let peer): lines = ["peer \(peer.address)", row("state", peer.state.name)]
    }
    let traffic = entry.traffic
    lines.append(row("uplink", "\(traffic.upPackets) packets, \(traffic.upBytes) bytes"))
    lines.append(row("downlink", "\(traffic.downPackets) packets, \(traffic.downBytes) bytes"))
    return lines
  }

  fileprivate static func row(_ name: String, _ value: String) -> String {
    "  " + name + String(repeating: " ", count: max(1, 16 - name.count)) + value
  }

  fileprivate static func ends(_ tunnel: WireTunnel) -> String { "\(tunnel.local) - \(tunnel.remote)" }

  /// The record's own members that have no line of their own: the JSON names and values.
  fileprivate static func rest(_ record: TableRecord, without shown: Set<String>) -> [String] {
    RecordJSON.members(record).filter { !shown.contains($0.0) }.map { row($0.0, $0.1) }
  }
}

extension BindingRecord {
  fileprivate var lines: [String] {
    [
      "binding \(prefix) (\(table.name))", EntryText.row("tunnel", EntryText.ends(tunnel)),
      EntryText.row("state", state.name),
    ] + EntryText.rest(.binding(self), without: ["table", "prefix", "tunnel", "state"])
  }
}

extension TunnelRecord {
  fileprivate var lines: [String] {
    ["tunnel \(EntryText.ends(tunnel))", EntryText.row("users", "\(users)")]
      + EntryText.rest(.tunnel(self), without: ["tunnel"])
  }
}

extension LocalizedRouteRecord {
  fileprivate var lines: [String] {
    let way: String
    switch via {
    case .local: way = "this gateway"
    case .tunnel(let tunnel): way = EntryText.ends(tunnel)
    }
    return ["localized route \(from) to \(to)", EntryText.row("via", way)]
      + EntryText.rest(.route(self), without: ["route", "via"])
  }
}
