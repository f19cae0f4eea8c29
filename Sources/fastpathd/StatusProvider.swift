import ControlPlane
import ControlProtocol
import FastPath
import SlowPath

/// What STATUS and COUNTERS say of ports, queues and the way into the kernel.
///
/// Everything is read from counters that others keep; nobody is waited for.
final class StatusProvider: StatusSource {
  let warnings: [String]
  private let ports: [PortFacts]
  private let isGeneric: Bool
  /// Its sockets and counters are fixed by its initializer; only start and stop, on the main thread, change the rest.
  private nonisolated(unsafe) let plane: LivePlane
  private let program: SteeringProgram
  private let injector: KernelInjector
  private let exceptions: ExceptionPath
  private let meter: RateMeter
  private let follower: KernelFollowing

  init(
    warnings: [String], ports: [PortFacts], plane: LivePlane, program: SteeringProgram, injector: KernelInjector,
    exceptions: ExceptionPath, follower: KernelFollowing
  ) {
    self.warnings = warnings
    self.ports = ports
    isGeneric = plane.configuration.mode == .generic
    unsafe self.plane = plane
    self.program = program
    self.injector = injector
    self.exceptions = exceptions
    self.follower = follower
    meter = RateMeter(ports: ports.count)
  }

  /// To be called about once a second: the rates that STATUS shows are those of the period before.
  func sample() {
    // Counters are readable while workers run (`LivePlane.counters`).
    meter.sample(unsafe plane.counters, at: .now)
  }

  var counterItems: [CounterItem] {
    // As in `sample`. The tunnels' counters are the control plane's to add.
    CounterReport(
      ports: ports.map(\.name), plane: unsafe plane.counters, slowPath: exceptions.counters,
      steering: ports.indices.map { program.counters(port: $0) }, tunnels: []
    ).entries.map { CounterItem(name: $0.name, value: $0.value) }
  }

  var statusItems: [StatusItem] {
    // The sockets are open until the plane goes, which is after the last request has been answered.
    let sockets = unsafe plane.sockets
    var items = ports.indices.flatMap { portItems($0, sockets.filter { [port = $0] in $0.port == port }) }
    items += [
      StatusItem(key: "injection.interface", value: injector.interface),
      StatusItem(key: "injection.injected", value: "\(injector.injected)"),
      StatusItem(key: "injection.refused", value: "\(injector.refused)"),
    ]
    return items + follower.statusItems
  }

  private func portItems(_ index: Int, _ sockets: [SocketFacts]) -> [StatusItem] {
    let port = ports[index]
    let rates = meter.rates(port: index)
    let facts: [(String, String)] = [
      ("interface", port.interface), ("driver", port.driver), ("kind", kindNames(port.kinds)),
      ("attach", isGeneric ? "generic" : "native"), ("mac", "\(port.mac)"), ("mtu", "\(port.mtu)"),
      ("rx-rate", "\(Int(rates.receivedPackets.rounded()))"), ("rx-bits", "\(Int(rates.receivedBits.rounded()))"),
      ("tx-rate", "\(Int(rates.transmittedPackets.rounded()))"), ("tx-bits", "\(Int(rates.transmittedBits.rounded()))"),
    ]
    let prefix = "port.\(port.name)"
    return facts.map { StatusItem(key: "\(prefix).\($0.0)", value: $0.1) }
      + sockets.flatMap { queueItems("\(prefix).queue.\($0.queue)", $0) }
  }

  private func queueItems(_ prefix: String, _ socket: SocketFacts) -> [StatusItem] {
    let facts = [
      StatusItem(key: "\(prefix).mode", value: socket.isZeroCopy ? "zero-copy" : "copy"),
      StatusItem(key: "\(prefix).busy-poll", value: socket.busyPoll.rawValue),
    ]
    // A read of the kernel's counters of an open socket.
    guard let statistics = unsafe plane.statistics(of: socket) else { return facts }
    let counts: [(String, UInt64)] = [
      ("rx-dropped", statistics.rxDropped), ("rx-ring-full", statistics.rxRingFull),
      ("fill-ring-empty", statistics.rxFillRingEmpty), ("rx-invalid", statistics.rxInvalidDescriptors),
      ("tx-invalid", statistics.txInvalidDescriptors), ("tx-ring-empty", statistics.txRingEmpty),
    ]
    return facts + counts.map { StatusItem(key: "\(prefix).\($0.0)", value: "\($0.1)") }
  }

  private func kindNames(_ kinds: PortKinds) -> String {
    [(PortKinds.core, "core"), (.transport, "transport"), (.access, "access")]
      .filter { kinds.contains($0.0) }.map(\.1).joined(separator: ",")
  }
}
