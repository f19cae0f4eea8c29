import FlowTable

extension DaemonConfiguration {
  /// The effective values as a configuration file: what `--check-config` prints. Reading it back gives `self`, with
  /// the MAC addresses and MTUs of replay filled in when `purpose` says so.
  public func text(purpose: ConfigurationPurpose) -> String {
    var lines = ["role: \(role.rawValue)", "control:", "  socket: \(quoted(control.socket))"]
    if let group = control.group { lines.append("  group: \(quoted(group))") }
    if let snapshot = control.snapshot { lines.append("  snapshot: \(quoted(snapshot))") }
    if let metrics { lines += ["metrics:", "  listen: \(quoted(text(metrics)))"] }
    lines.append("router-addresses: \(list(routerAddresses))")
    lines.append("local-addresses: \(list(localAddresses))")
    if role == .localMobilityAnchor { lines.append("pools: \(list(pools))") }
    lines.append("ports:")
    lines += ports.indices.map { portLine($0, purpose: purpose) }
    lines.append("workers: \(text(workers))")
    lines.append("mode: \(mode.rawValue)")
    lines.append("busy-poll: \(busyPoll.map(String.init) ?? "off")")
    lines.append("kernel-sync: \(kernelSync)")
    lines += section("routes", routes.map(text))
    lines += section("neighbors", neighbors.map(text))
    lines += forwardingLines()
    return lines.joined(separator: "\n") + "\n"
  }

  private func forwardingLines() -> [String] {
    let mtu = if case .octets(let octets) = tunnelDefaults.mtu { "\(octets)" } else { "auto" }
    let dscp =
      switch tunnelDefaults.dscp {
      case .copy: "copy"
      case .uniform: "uniform"
      case .fixed(let value): "\(value)"
      }
    let ecn =
      switch tunnelDefaults.ecn {
      case .rfc6040: "rfc6040"
      case .compatibility: "compatibility"
      case .rfc5213Strict: "rfc5213-strict"
      }
    let limit = tunnelDefaults.encapsulationLimit.map { "\($0)" } ?? "none"
    var lines = [
      "tunnel-defaults: {hop-limit: \(tunnelDefaults.hopLimit), mtu: \(mtu), encapsulation-limit: \(limit), "
        + "dscp: \(dscp), ecn: \(ecn), flow-label: \(tunnelDefaults.flowLabel.rawValue)}",
      "local-routing: \(localRouting)",
      "min-delay-before-bce-delete: \(ConfigurationText.text(minDelayBeforeBCEDelete))",
      "unbound: \(unbound.rawValue)",
      "buffers: {per-mobile-node: \(buffers.perMobileNode), total: \(buffers.total), "
        + "timeout: \(ConfigurationText.text(buffers.timeout))}",
      "icmp: {rate: \(icmp.rate), burst: \(icmp.burst), check-flow-label: \(icmp.checkFlowLabel)}",
      "access-vlan: preserve",
      "pool-sources: \(poolSourcesAllowed ? "allow" : "drop")",
      "home-agent-discovery: \(homeAgentDiscovery)",
    ]
    if let flowLabelKey {
      lines.append("flow-label-key: \"\(hexadecimal(flowLabelKey.first))\(hexadecimal(flowLabelKey.second))\"")
    }
    return lines
  }

  private func portLine(_ index: Int, purpose: ConfigurationPurpose) -> String {
    let port = ports[index]
    var fields = ["name: \(quoted(port.name))"]
    if let interface = port.interface { fields.append("interface: \(quoted(interface))") }
    fields.append("kind: [\(port.kinds.names.joined(separator: ", "))]")
    if let mac = effectiveMAC(ofPort: index, purpose: purpose) { fields.append("mac: \"\(mac)\"") }
    if let mtu = effectiveMTU(ofPort: index, purpose: purpose) { fields.append("mtu: \(mtu)") }
    return "  - {\(fields.joined(separator: ", "))}"
  }

  private func text(_ route: StaticRoute) -> String {
    let via = route.via.map { ", via: \"\($0)\"" } ?? ""
    return "{prefix: \"\(route.prefix)\"\(via), port: \(quoted(ports[Int(route.port)].name))}"
  }

  private func text(_ neighbor: StaticNeighbor) -> String {
    let vlan = neighbor.vlan.map { ", vlan: \($0)" } ?? ""
    return "{address: \"\(neighbor.address)\", port: \(quoted(ports[Int(neighbor.port)].name)), "
      + "mac: \"\(neighbor.mac)\"\(vlan)}"
  }

  private func text(_ metrics: Metrics) -> String {
    metrics.address.family == .ipv6 ? "[\(metrics.address)]:\(metrics.port)" : "\(metrics.address):\(metrics.port)"
  }

  private func text(_ workers: Workers) -> String {
    switch workers {
    case .automatic: "auto"
    case .processors(let processors): "[\(processors.map(String.init).joined(separator: ", "))]"
    }
  }

  private func section(_ key: String, _ entries: [String]) -> [String] {
    entries.isEmpty ? ["\(key): []"] : ["\(key):"] + entries.map { "  - \($0)" }
  }

  private func list(_ values: [some CustomStringConvertible]) -> String {
    "[\(values.map { "\"\($0)\"" }.joined(separator: ", "))]"
  }

  /// YAML's double-quoted form; only backslash and quote need an escape in names without control characters.
  private func quoted(_ text: String) -> String {
    let escaped = text.flatMap { $0 == "\\" || $0 == "\"" ? ["\\", $0] : [$0] }
    return "\"\(String(escaped))\""
  }

  private func hexadecimal(_ word: UInt64) -> String {
    let digits = String(word, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
