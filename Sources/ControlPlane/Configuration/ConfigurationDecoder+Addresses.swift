import FlowTable

extension ConfigurationDecoder {
  /// `local-addresses`: tunnel end points, so IPv6 (REQUIREMENTS S-37) and reachable beyond a link.
  func localAddresses(_ root: ConfigurationMapping) -> [IPAddress] {
    guard let nodes = root.required("local-addresses", { $0.list() }) else { return [] }
    guard (1..<DaemonConfiguration.maximumLocalAddresses).contains(nodes.count) else {
      root.report("local-addresses", "must list 1…\(DaemonConfiguration.maximumLocalAddresses - 1) addresses")
      return []
    }
    return addresses(nodes, family: .ipv6)
  }

  /// `router-addresses`: at most one of each family; absent means the first tunnel end point.
  func routerAddresses(_ root: ConfigurationMapping, locals: [IPAddress]) -> [IPAddress] {
    guard let node = root["router-addresses"] else { return Array(locals.prefix(1)) }
    guard let nodes = node.list() else { return [] }
    let found = addresses(nodes, family: nil)
    for family in [AddressFamily.ipv6, .ipv4] where found.count(where: { $0.family == family }) > 1 {
      node.report("must hold at most one \(family == .ipv6 ? "IPv6" : "IPv4") address: it is the source of ICMP errors")
    }
    if found.count == nodes.count && !found.contains(where: { $0.family == .ipv6 }) {
      node.report("must hold an IPv6 address: ICMPv6 errors need a source")
    }
    return found
  }

  private func addresses(_ nodes: [ConfigurationNode], family: AddressFamily?) -> [IPAddress] {
    var found: [IPAddress] = []
    for node in nodes {
      guard let address = node.address(family) else { continue }
      if let violation = AddressRule.globalUnicastViolation(address) {
        node.report("\(violation); a global unicast address is needed")
      } else if found.contains(address) {
        node.report("\(address) is repeated")
      } else {
        found.append(address)
      }
    }
    return found
  }

  /// `pools`: what an LMA anchors (RFC 5213 section 5.6.2); without one it has nothing to forward.
  func pools(_ root: ConfigurationMapping, role: DaemonConfiguration.Role) -> [Prefix] {
    guard let node = root["pools"] else {
      if role == .localMobilityAnchor { root.report("pools", "is missing: role lma anchors at least one prefix") }
      return []
    }
    guard let nodes = node.list() else { return [] }
    switch role {
    case .mobileAccessGateway where !nodes.isEmpty:
      node.report("contradicts role mag: only an lma anchors prefixes")
    case .localMobilityAnchor where !(1...DaemonConfiguration.maximumPools).contains(nodes.count):
      node.report("must list 1…\(DaemonConfiguration.maximumPools) prefixes for role lma")
    case .mobileAccessGateway, .localMobilityAnchor:
      break
    }
    var found: [Prefix] = []
    for element in nodes {
      guard let pool = element.prefix() else { continue }
      if let violation = AddressRule.unicastViolation(pool) {
        element.report(violation)
      } else if let other = found.first(where: { $0.contains(pool) || pool.contains($0) }) {
        element.report("\(pool) overlaps \(other)")
      } else {
        found.append(pool)
      }
    }
    return found
  }

  /// `routes`: at most one for each prefix.
  func routes(_ root: ConfigurationMapping, ports: [PortConfiguration]) -> [StaticRoute] {
    var prefixes: Set<Prefix> = []
    return elements(root, "routes", keys: ["prefix", "via", "port"]) { mapping in
      let prefix = mapping.required("prefix") { $0.prefix() }
      let via = mapping.optional("via") { neighborAddress($0) }
      let port = port(mapping, ports)
      guard let prefix, let port else { return nil }
      if let via, via.family != prefix.address.family {
        mapping.report("via", "must have the address family of \(prefix)")
      }
      if !prefixes.insert(prefix).inserted {
        mapping.report("prefix", "\(prefix) has a route already")
      }
      return StaticRoute(prefix: prefix, via: via, port: port)
    }
  }

  /// `neighbors`: at most one for each address and port.
  func neighbors(_ root: ConfigurationMapping, ports: [PortConfiguration]) -> [StaticNeighbor] {
    var known: Set<PortAddress> = []
    return elements(root, "neighbors", keys: ["address", "port", "mac", "vlan"]) { mapping in
      let address = mapping.required("address") { neighborAddress($0) }
      let mac = mapping.required("mac") { $0.mac() }
      let vlan = mapping.optional("vlan") { $0.integer(in: 1...4094) }
      let port = port(mapping, ports)
      guard let address, let mac, let port else { return nil }
      if !known.insert(PortAddress(port: port, address: address)).inserted {
        mapping.report("address", "\(address) is listed already for port \(ports[Int(port)].name)")
      }
      return StaticNeighbor(address: address, port: port, mac: mac, vlan: vlan.map { UInt16($0) })
    }
  }

  private struct PortAddress: Hashable {
    let port: UInt8
    let address: IPAddress
  }

  private func elements<Element>(
    _ root: ConfigurationMapping, _ key: String, keys: [String], _ read: (ConfigurationMapping) -> Element?
  ) -> [Element] {
    let nodes = root.optional(key) { $0.list() } ?? []
    return nodes.compactMap { $0.mapping(keys: keys).flatMap(read) }
  }

  private func neighborAddress(_ node: ConfigurationNode) -> IPAddress? {
    guard let address = node.address() else { return nil }
    if let violation = AddressRule.unicastViolation(address) {
      node.report(violation)
      return nil
    }
    return address
  }

  private func port(_ mapping: ConfigurationMapping, _ ports: [PortConfiguration]) -> UInt8? {
    guard let name = mapping.required("port", { $0.text("a port name") }) else { return nil }
    guard let index = ports.firstIndex(where: { $0.name == name }) else {
      mapping.report("port", "no port has the name \(name)")
      return nil
    }
    return UInt8(index)
  }
}
