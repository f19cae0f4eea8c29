import FlowTable

extension ConfigurationDecoder {
  func control(_ node: ConfigurationNode) -> DaemonConfiguration.Control? {
    guard let mapping = node.mapping(keys: ["socket", "group", "snapshot"]) else { return nil }
    var control = DaemonConfiguration.Control()
    control.socket = mapping.value("socket", default: control.socket) { node in
      guard let path = node.text("an absolute path") else { return nil }
      // sun_path has 108 octets with its terminator (unix(7)).
      guard path.hasPrefix("/"), !path.hasSuffix("/"), path.utf8.count <= 107, !path.utf8.contains(0) else {
        node.report("must be an absolute path of at most 107 octets, not \(path)")
        return nil
      }
      return path
    }
    control.group = mapping.optional("group") { node in
      guard let name = node.text("a group name") else { return nil }
      guard !name.contains(where: { $0.isWhitespace || $0 == ":" }) else {
        node.report("must be a group name, not \(name)")
        return nil
      }
      return name
    }
    control.snapshot = mapping.optional("snapshot") { node in
      guard let path = node.text("an absolute path") else { return nil }
      guard path.hasPrefix("/"), !path.hasSuffix("/"), !path.utf8.contains(0), path != control.socket else {
        node.report("must be an absolute path other than the socket's, not \(path)")
        return nil
      }
      return path
    }
    return control
  }

  func metrics(_ node: ConfigurationNode) -> DaemonConfiguration.Metrics? {
    guard let mapping = node.mapping(keys: ["listen"]) else { return nil }
    return mapping.required("listen") { node in
      guard let text = node.text("ADDRESS:PORT") else { return nil }
      guard let metrics = Self.listenAddress(text) else {
        node.report("must be ADDRESS:PORT such as 127.0.0.1:9101 or [::1]:9101, not \(text)")
        return nil
      }
      if purpose == .daemon && !features.contains(.metrics) {
        findings.reportUnsupported(node.path, "serving metrics")
      }
      return metrics
    }
  }

  private static func listenAddress(_ text: String) -> DaemonConfiguration.Metrics? {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    let digits = text[text.index(after: colon)...]
    var host = text[..<colon]
    let bracketed = host.hasPrefix("[") && host.hasSuffix("]")
    if bracketed { host = host.dropFirst().dropLast() }
    guard ConfigurationText.isDecimal(digits), let port = Int(digits), (1...65535).contains(port),
      let address = IPAddress(text: String(host)), bracketed == (address.family == .ipv6)
    else { return nil }
    return DaemonConfiguration.Metrics(address: address, port: port)
  }

  func workers(_ node: ConfigurationNode) -> DaemonConfiguration.Workers? {
    guard case .sequence = node.node else { return node.word(["auto": .automatic]) }
    guard let nodes = node.list() else { return nil }
    guard (1...DaemonConfiguration.maximumWorkers).contains(nodes.count) else {
      node.report("must be auto or a list of 1…\(DaemonConfiguration.maximumWorkers) CPUs")
      return nil
    }
    var processors: [Int] = []
    for element in nodes {
      guard let processor = element.integer(in: 0...4095) else { return nil }
      if processors.contains(processor) { element.report("CPU \(processor) is repeated") }
      processors.append(processor)
    }
    return .processors(processors)
  }

  func tunnelDefaults(_ node: ConfigurationNode) -> TunnelDefaults? {
    guard
      let mapping = node.mapping(keys: ["hop-limit", "mtu", "encapsulation-limit", "dscp", "ecn", "flow-label"])
    else { return nil }
    var defaults = TunnelDefaults()
    defaults.hopLimit = mapping.value("hop-limit", default: 64) { $0.integer(in: 1...255).map { UInt8($0) } }
    defaults.mtu = mapping.value("mtu", default: .automatic) { node in
      if node.isWord("auto") { return .automatic }
      return node.integer(in: TunnelDefaults.mtuRange, unit: "octets").map { .octets(UInt16($0)) }
    }
    defaults.encapsulationLimit = mapping.optional("encapsulation-limit") { node in
      if node.isWord("none") { return nil }
      return node.integer(in: 0...255).map { UInt8($0) }
    }
    defaults.dscp = mapping.value("dscp", default: .copy) { node in
      if node.isWord("copy") { return .copy }
      if node.isWord("uniform") { return .uniform }
      return node.integer(in: 0...63).map { .fixed(UInt8($0)) }
    }
    defaults.ecn = mapping.value("ecn", default: .rfc6040) {
      $0.word(["rfc6040": .rfc6040, "compatibility": .compatibility, "rfc5213-strict": .rfc5213Strict])
    }
    defaults.flowLabel = mapping.value("flow-label", default: .hash) { $0.word(["hash": .hash, "zero": .zero]) }
    return defaults
  }

  /// Nil for `off`, too.
  func busyPoll(_ node: ConfigurationNode) -> Int? {
    node.isWord("off") ? nil : node.integer(in: DaemonConfiguration.busyPollRange, unit: "packets (or off)")
  }

  func unbound(_ node: ConfigurationNode) -> DaemonConfiguration.Unbound? {
    guard let unbound = node.word(["drop": DaemonConfiguration.Unbound.drop, "unreachable": .unreachable]) else {
      return nil
    }
    if unbound == .unreachable && !features.contains(.unboundUnreachable) {
      findings.reportUnsupported(node.path, "unreachable")
    }
    return unbound
  }

  func buffers(_ node: ConfigurationNode) -> DaemonConfiguration.Buffers? {
    guard let mapping = node.mapping(keys: ["per-mobile-node", "total", "timeout"]) else { return nil }
    var buffers = DaemonConfiguration.Buffers()
    buffers.perMobileNode = mapping.value("per-mobile-node", default: buffers.perMobileNode) {
      $0.integer(in: 0...1_000_000, unit: "packets")
    }
    buffers.total = mapping.value("total", default: buffers.total) { $0.integer(in: 0...1_000_000, unit: "packets") }
    buffers.timeout = mapping.value("timeout", default: buffers.timeout) { $0.duration() }
    if buffers.total < buffers.perMobileNode {
      mapping.report("total", "\(buffers.total) is less than per-mobile-node, \(buffers.perMobileNode)")
    }
    return buffers
  }

  func icmp(_ node: ConfigurationNode) -> DaemonConfiguration.ICMP? {
    guard let mapping = node.mapping(keys: ["rate", "burst", "check-flow-label"]) else { return nil }
    var icmp = DaemonConfiguration.ICMP()
    icmp.rate = mapping.value("rate", default: icmp.rate) { $0.integer(in: 0...1_000_000, unit: "errors a second") }
    icmp.burst = mapping.value("burst", default: icmp.burst) { $0.integer(in: 0...1_000_000, unit: "errors") }
    icmp.checkFlowLabel = mapping.value("check-flow-label", default: false) { node in
      guard let check = node.boolean() else { return nil }
      if check && !features.contains(.checkFlowLabel) { findings.reportUnsupported(node.path, "true") }
      return check
    }
    return icmp
  }

  func hashKey(_ node: ConfigurationNode) -> DaemonConfiguration.HashKey? {
    guard let text = node.text("32 hexadecimal digits") else { return nil }
    guard let key = ConfigurationText.hashKey(text) else {
      node.report("must be 32 hexadecimal digits")
      return nil
    }
    return key
  }
}

extension ConfigurationNode {
  /// Whether the value is this word; for keys that take a word or a number.
  fileprivate func isWord(_ word: String) -> Bool {
    guard case .scalar(let scalar) = node else { return false }
    return scalar.string == word
  }
}
