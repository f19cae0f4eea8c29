import FlowTable

/// All counters under their published names (CONTRACT, "Counters"; docs/COUNTERS.md): the daemon's and a replay's.
public struct CounterReport: Sendable {
  /// Name and value, in the order of docs/COUNTERS.md; zeros included.
  public private(set) var entries: [(name: String, value: UInt64)] = []

  /// - Parameters:
  ///   - ports: names, in the configuration's order.
  ///   - plane: what the workers counted.
  ///   - steering: what the steering program counted for each port, indexed by `SteerReason`.
  ///   - tunnels: every tunnel with its traffic.
  public init(
    ports: [String], plane: PlaneCounters, steering: [[UInt64]],
    tunnels: [(endpoints: TunnelEndpoints, traffic: Traffic)]
  ) {
    var kernel: [(name: String, value: UInt64)] = []
    for reason in SteerReason.allCases where reason != .redirected {
      kernel.append((reason.name, steering.reduce(0) { $0 &+ $1[Int(reason.rawValue)] }))
    }
    for reason in PuntReason.allCases { kernel.append((reason.name, plane.punts(reason))) }
    for (index, name) in ports.enumerated() {
      // What the program passed was received too: it never reaches a worker.
      let passed = SteerReason.allCases.reduce(UInt64(0)) {
        $1 == .redirected ? $0 : $0 &+ steering[index][Int($1.rawValue)]
      }
      entries.append(("rx.\(name)", plane.receivedPackets(port: index) &+ passed))
    }
    for (index, name) in ports.enumerated() { entries.append(("tx.\(name)", plane.transmittedPackets(port: index))) }
    for reason in kernel { entries.append(("kernel.\(reason.name)", reason.value)) }
    for reason in DropReason.allCases { entries.append(("drop.\(reason.name)", plane.drops(reason))) }
    entries.append(("held", 0))
    for tunnel in tunnels {
      let name = "tunnel.\(tunnel.endpoints.local).\(tunnel.endpoints.remote)"
      entries.append(("\(name).up.packets", tunnel.traffic.up.packets))
      entries.append(("\(name).up.bytes", tunnel.traffic.up.bytes))
      entries.append(("\(name).down.packets", tunnel.traffic.down.packets))
      entries.append(("\(name).down.bytes", tunnel.traffic.down.bytes))
    }
  }
}
