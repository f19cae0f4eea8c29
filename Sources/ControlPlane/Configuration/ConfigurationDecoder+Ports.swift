import FlowTable

extension ConfigurationDecoder {
  /// All entries of `ports`; nil when one is wrong, because routes and kinds are judged against the whole list.
  func ports(_ root: ConfigurationMapping) -> [PortConfiguration]? {
    guard let nodes = root.required("ports", { $0.list() }) else { return nil }
    guard (1...PortConfiguration.maximum).contains(nodes.count) else {
      root.report("ports", "must list 1…\(PortConfiguration.maximum) ports, not \(nodes.count)")
      return nil
    }
    var names: Set<String> = []
    var interfaces: Set<String> = []
    let ports = nodes.compactMap { node -> PortConfiguration? in
      guard let mapping = node.mapping(keys: ["name", "interface", "kind", "mac", "mtu"]),
        let port = port(mapping)
      else { return nil }
      if !names.insert(port.name).inserted {
        mapping.report("name", "\(port.name) is the name of an earlier port")
      }
      if let interface = port.interface, !interfaces.insert(interface).inserted {
        mapping.report("interface", "\(interface) is the interface of an earlier port")
      }
      return port
    }
    return ports.count == nodes.count ? ports : nil
  }

  private func port(_ mapping: ConfigurationMapping) -> PortConfiguration? {
    let name = mapping.required("name", portName)
    let interface =
      purpose == .daemon
      ? mapping.required("interface", interfaceName) : mapping.optional("interface", interfaceName)
    let kinds = mapping.required("kind", kinds)
    let mac = mapping.optional("mac") { $0.mac() }
    let mtu = mapping.optional("mtu") { $0.integer(in: PortConfiguration.mtuRange, unit: "octets") }
    guard let name, let kinds else { return nil }
    return PortConfiguration(name: name, interface: interface, kinds: kinds, mac: mac, mtu: mtu)
  }

  /// A name becomes a file (`NAME.pcap`), a counter (`rx.NAME`) and a record field of at most 15 octets.
  private func portName(_ node: ConfigurationNode) -> String? {
    guard let name = node.text("a port name") else { return nil }
    let allowed = name.utf8.allSatisfy { octet in
      switch octet {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
        true
      default: false
      }
    }
    guard allowed, name.utf8.count <= 15, !name.hasPrefix("."), !name.hasPrefix("-") else {
      node.report("must be 1…15 letters, digits, '-', '_' or '.', not beginning with '-' or '.': \(name)")
      return nil
    }
    guard name != "kernel" else {
      node.report("kernel is reserved: replay writes kernel.pcap for what the kernel gets")
      return nil
    }
    return name
  }

  /// The kernel's own rule (dev_valid_name): at most IFNAMSIZ - 1 = 15 octets, no slash, colon or white space.
  private func interfaceName(_ node: ConfigurationNode) -> String? {
    guard let name = node.text("an interface name") else { return nil }
    let forbidden = name.contains { $0 == "/" || $0 == ":" || $0.isWhitespace }
    guard name.utf8.count <= 15, !forbidden, name != ".", name != ".." else {
      node.report("must be an interface name of at most 15 octets, not \(name)")
      return nil
    }
    return name
  }

  /// A word or a list of words.
  private func kinds(_ node: ConfigurationNode) -> PortConfiguration.Kinds? {
    let words: KeyValuePairs<String, PortConfiguration.Kinds> = [
      "core": .core, "transport": .transport, "access": .access,
    ]
    guard case .sequence = node.node else { return node.word(words) }
    guard let nodes = node.list() else { return nil }
    var result: PortConfiguration.Kinds = []
    for element in nodes {
      guard let kind = element.word(words) else { return nil }
      if !result.insert(kind).inserted {
        element.report("\(kind.names[0]) is repeated")
      }
    }
    guard !result.isEmpty else {
      node.report("must name at least one of core, transport, access")
      return nil
    }
    if result.contains(.access) && result != .access {
      // CONTRACT, "Decapsulation": a mobile node could otherwise pose as the LMA.
      node.report("access cannot be combined: tunnel packets are never accepted on an access port")
    }
    return result
  }

  /// Each role needs the ports its packets travel between.
  func checkKinds(_ ports: [PortConfiguration], role: DaemonConfiguration.Role, _ root: ConfigurationMapping) {
    let present = ports.reduce(into: PortConfiguration.Kinds()) { $0.formUnion($1.kinds) }
    let needed: PortConfiguration.Kinds =
      role == .localMobilityAnchor ? [.core, .transport] : [.access, .transport]
    let missing = needed.subtracting(present)
    if !missing.isEmpty {
      root.report("ports", "role \(role.rawValue) needs a port of kind \(missing.names.joined(separator: " and "))")
    }
    if role == .localMobilityAnchor, let index = ports.firstIndex(where: { $0.kinds.contains(.access) }) {
      root.report("ports[\(index)].kind", "access contradicts role lma: mobile nodes attach to a mag")
    }
  }
}
