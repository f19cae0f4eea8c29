import ControlProtocol

extension RecordJSON {
  /// The record as one line of JSON that `record(_:)` reads back to an equal record.
  package static func text(_ record: TableRecord) -> String { JSONText.object(members(record)) }

  /// The record's members, values already JSON.
  package static func members(_ record: TableRecord) -> [(String, String)] {
    switch record {
    case .binding(let binding): members(binding)
    case .tunnel(let tunnel): members(tunnel)
    case .route(let route): members(route)
    case .visitor(let visitor):
      [("visitor", JSONText.quoted(visitor.prefix.description)), ("port", JSONText.quoted(visitor.port))]
    case .peer(let peer): [("peer", "\"\(peer.address)\""), ("state", "\"\(peer.state.name)\"")]
    }
  }

  /// `{"local":…,"remote":…}`.
  package static func ends(_ tunnel: WireTunnel) -> String {
    "{\"local\":\"\(tunnel.local)\",\"remote\":\"\(tunnel.remote)\"}"
  }

  private static func members(_ binding: BindingRecord) -> [(String, String)] {
    var members = [
      ("table", "\"\(binding.table.name)\""), ("prefix", "\"\(binding.prefix)\""),
      ("tunnel", ends(binding.tunnel)),
    ]
    if let name = binding.mobileNode { members.append(("mn", JSONText.quoted(name))) }
    if let lifetime = binding.lifetime { members.append(("lifetime", "\(lifetime)")) }
    if binding.state != .active { members.append(("state", "\"\(binding.state.name)\"")) }
    let keys = [binding.greUp.map { ("up", "\($0)") }, binding.greDown.map { ("down", "\($0)") }].compactMap(\.self)
    if !keys.isEmpty { members.append(("greKey", JSONText.object(keys))) }
    if let access = binding.access {
      var link = [("port", JSONText.quoted(access.port)), ("mac", "\"\(macText(access.mac))\"")]
      if let vlan = access.vlan { link.append(("vlan", "\(vlan)")) }
      members.append(("access", JSONText.object(link)))
    }
    if binding.requiresESP { members.append(("requireEsp", "true")) }
    if let localRouting = binding.localRouting { members.append(("localRouting", "\(localRouting)")) }
    if let peer = binding.peer { members.append(("peer", ends(peer))) }
    return members
  }

  private static func members(_ tunnel: TunnelRecord) -> [(String, String)] {
    var members = [("tunnel", ends(tunnel.tunnel))]
    if tunnel.isStatic { members.append(("static", "true")) }
    if let hopLimit = tunnel.hopLimit { members.append(("hopLimit", "\(hopLimit)")) }
    let settings = [
      ("mtu", tunnel.mtu?.text), ("encapsulationLimit", tunnel.encapsulationLimit?.text), ("dscp", tunnel.dscp?.text),
      ("ecn", tunnel.ecn?.text),
    ]
    for (name, text) in settings {
      if let text { members.append((name, JSONText.wordOrNumber(text))) }
    }
    return members
  }

  private static func members(_ route: LocalizedRouteRecord) -> [(String, String)] {
    var members = [("route", "{\"from\":\"\(route.from)\",\"to\":\"\(route.to)\"}")]
    switch route.via {
    case .local: members.append(("via", "\"local\""))
    case .tunnel(let tunnel): members.append(("via", ends(tunnel)))
    }
    if let lifetime = route.lifetime { members.append(("lifetime", "\(lifetime)")) }
    if route.receiveOnly { members.append(("receiveOnly", "true")) }
    return members
  }

  private static func macText(_ mac: UInt64) -> String {
    stride(from: 40, through: 0, by: -8).map { shift in
      let octet = UInt8(truncatingIfNeeded: mac >> UInt64(shift))
      return (octet < 16 ? "0" : "") + String(octet, radix: 16)
    }.joined(separator: ":")
  }
}
