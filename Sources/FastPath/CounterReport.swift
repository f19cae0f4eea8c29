import FlowTable

/// All counters under their published names (CONTRACT, "Counters"; docs/COUNTERS.md): the daemon's and a replay's.
public struct CounterReport: Sendable {
  /// Name and value, in the order of docs/COUNTERS.md; zeros included.
  public private(set) var entries: [(name: String, value: UInt64)] = []

  /// - Parameters:
  ///   - ports: names, in the configuration's order.
  ///   - plane: what the workers counted.
  ///   - slowPath: what the slow path counted.
  ///   - steering: what the steering program counted for each port, indexed by `SteerReason`.
  ///   - tunnels: every tunnel with its traffic.
  public init(
    ports: [String], plane: PlaneCounters, slowPath: SlowPathCounters, steering: [[UInt64]],
    tunnels: [(endpoints: TunnelEndpoints, traffic: Traffic)]
  ) {
    var kernel: [(name: String, value: UInt64)] = []
    for reason in SteerReason.allCases where reason != .redirected {
      kernel.append((reason.name, steering.reduce(0) { $0 &+ $1[Int(reason.rawValue)] }))
    }
    for reason in PuntReason.allCases {
      // One name may be the steering program's as well: one counter then.
      if let known = kernel.firstIndex(where: { $0.name == reason.name }) {
        kernel[known].value &+= plane.punts(reason)
      } else {
        kernel.append((reason.name, plane.punts(reason)))
      }
    }
    for (index, name) in ports.enumerated() {
      // What the program passed was received too: it never reaches a worker.
      let passed = SteerReason.allCases.reduce(UInt64(0)) {
        $1 == .redirected ? $0 : $0 &+ steering[index][Int($1.rawValue)]
      }
      entries.append(("rx.\(name)", plane.receivedPackets(port: index) &+ passed))
    }
    for (index, name) in ports.enumerated() { entries.append(("tx.\(name)", plane.transmittedPackets(port: index))) }
    for reason in kernel { entries.append(("kernel.\(reason.name)", reason.value)) }
    for reason in DropReason.allCases {
      entries.append(("drop.\(reason.name)", plane.drops(reason) &+ slowPath.drops(reason)))
    }
    entries += Self.exceptions(plane: plane, slowPath: slowPath)
    entries += Self.congestion(plane)
    for tunnel in tunnels {
      let name = "tunnel.\(tunnel.endpoints.local).\(tunnel.endpoints.remote)"
      entries.append(("\(name).up.packets", tunnel.traffic.up.packets))
      entries.append(("\(name).up.bytes", tunnel.traffic.up.bytes))
      entries.append(("\(name).down.packets", tunnel.traffic.down.packets))
      entries.append(("\(name).down.bytes", tunnel.traffic.down.bytes))
    }
  }

  /// What went through the slow path.
  private static func exceptions(
    plane: PlaneCounters, slowPath: SlowPathCounters
  ) -> [(name: String, value: UInt64)] {
    // Handed over and not settled, sent on and not taken yet, or in a handover buffer. The sides count at different
    // moments: below zero is 0.
    let held = Int64(
      bitPattern: plane.handedOver &- slowPath.settled &+ slowPath.emitted &- plane.injected &+ plane.buffered
        &- plane.unbuffered)
    return [("held", UInt64(max(held, 0))), ("consumed.fragment", slowPath.consumed)]
      + OriginatedKind.allCases.map { ("originated.\($0.name)", slowPath.originated($0)) }
      + [
        ("unanswered.rate-limited", slowPath.rateLimited),
        ("unanswered.not-answerable", plane.unanswerable &+ slowPath.unanswerable),
        ("unanswered.ring-full", plane.unanswered &+ slowPath.refused),
      ]
  }

  /// The unusual pairs of ECN fields, inner and outer, as the two bits of each.
  private static func congestion(_ plane: PlaneCounters) -> [(name: String, value: UInt64)] {
    let fields: [(bits: String, code: UInt8)] = [("00", 0), ("01", 1), ("10", 2), ("11", 3)]
    return fields.flatMap { inner in
      fields.filter { ExplicitCongestion.isUnusual(inner: inner.code, outer: $0.code) }.map {
        ("ecn.\(inner.bits)-\($0.bits)", plane.congestion(inner: inner.code, outer: $0.code))
      }
    }
  }
}
