import Assembly
import ControlPlane
import FastPath

/// From configuration and interfaces to what the workers need.
enum PlaneAssembly {
  /// - Throws: status 2 for a CPU in `workers` that this process cannot run on.
  static func live(
    _ configuration: DaemonConfiguration, _ ports: [PortFacts]
  ) throws(ExitFailure) -> LiveConfiguration {
    let mode: AttachMode =
      switch configuration.mode {
      case .automatic: .auto
      case .zeroCopy: .zeroCopy
      case .copy: .copy
      case .generic: .generic
      }
    // A new key at each start: flow labels must not be predictable from outside (RFC 6438 section 3).
    let randomKey = FlowLabelKey(first: .random(in: 0...UInt64.max), second: .random(in: 0...UInt64.max))
    let settings = PlaneSettings(
      configuration: configuration, ports: ports.map { (mac: $0.mac, mtu: $0.mtu) }, randomKey: randomKey)
    return LiveConfiguration(
      settings: settings, interfaces: ports.map(\.interface), mode: mode,
      queues: ports.map(\.queues).min() ?? 1, cpus: try processors(configuration),
      busyPoll: configuration.busyPoll)
  }

  /// Where each port's next hops leave, for the resolver.
  static func interfaces(_ ports: [PortFacts]) -> [PortInterface] {
    ports.map { PortInterface(index: $0.index, mac: $0.interfaceMAC, mtu: $0.interfaceMTU) }
  }

  /// Automatic: queue *q* on the *q*-th CPU this process may use. Nil, if that is unknown, leaves it to the scheduler.
  private static func processors(_ configuration: DaemonConfiguration) throws(ExitFailure) -> [Int]? {
    let allowed = ProcessFacts.allowedProcessors()
    switch configuration.workers {
    case .automatic: return allowed.isEmpty ? nil : allowed
    case .processors(let list):
      guard !allowed.isEmpty, let index = list.firstIndex(where: { !allowed.contains($0) }) else { return list }
      let usable = allowed.map(String.init).joined(separator: ", ")
      throw .environment(
        "fastpathd: workers[\(index)]: CPU \(list[index]) is not one that this process may run on (\(usable)); correct "
          + "workers, or the CPU affinity it is started with")
    }
  }
}
