import Assembly
import ControlPlane
import FastPath

/// From configuration and interfaces to what the workers need.
enum PlaneAssembly {
  static func live(_ configuration: DaemonConfiguration, _ ports: [PortFacts]) -> LiveConfiguration {
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
      queues: ports.map(\.queues).min() ?? 1, cpus: processors(configuration))
  }

  /// Where each port's next hops leave, for the resolver.
  static func interfaces(_ ports: [PortFacts]) -> [PortInterface] {
    ports.map { PortInterface(index: $0.index, mac: $0.interfaceMAC, mtu: $0.interfaceMTU) }
  }

  /// Automatic: queue *q* on the *q*-th CPU this process may use. Nil, if that is unknown, leaves it to the scheduler.
  private static func processors(_ configuration: DaemonConfiguration) -> [Int]? {
    switch configuration.workers {
    case .processors(let list): return list
    case .automatic:
      let allowed = ProcessFacts.allowedProcessors()
      return allowed.isEmpty ? nil : allowed
    }
  }
}
