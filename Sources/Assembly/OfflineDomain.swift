import ControlPlane
import ControlProtocol
import FastPath
import FlowTable

/// One anchor or gateway without interfaces: registry, tables, steering and pipeline on the calling thread, with the
/// caller's clock.
///
/// Replay and the conformance tests run the very code of the daemon through this: the same registry writes the same
/// tables, and `OfflinePlane` runs the same turn.
public final class OfflineDomain {
  /// A packet's way: passed by the steering program, or through a worker.
  public enum Result: Sendable {
    case passed(SteerReason)
    case worked(OfflinePlane.Outcome)
  }

  public let configuration: DaemonConfiguration
  public let settings: PlaneSettings
  public let registry: Registry
  private let table: FlowTable
  private let writer: TableWriter
  private let resolver: NextHopResolver
  private let steering: OfflineSteering
  private let plane: OfflinePlane
  /// Packets a port and `SteerReason`, as the steering program counts them.
  private var steeringCounts: [[UInt64]]

  /// - Throws: `FlowTableError` or `PlaneError` when memory cannot be had.
  public init(configuration: DaemonConfiguration) throws {
    self.configuration = configuration
    let links = configuration.ports.indices.map { index in
      // Both are always known for replay (`ConfigurationPurpose.replay` has a default for each).
      (
        mac: configuration.effectiveMAC(ofPort: index, purpose: .replay) ?? MACAddress(0),
        mtu: configuration.effectiveMTU(ofPort: index, purpose: .replay) ?? 1500
      )
    }
    let randomKey = FlowLabelKey(first: .random(in: 0...UInt64.max), second: .random(in: 0...UInt64.max))
    settings = PlaneSettings(configuration: configuration, ports: links, randomKey: randomKey)
    table = try FlowTable(limits: FlowTableLimits(workers: 1))
    writer = try table.makeWriter()
    resolver = NextHopResolver(configuration: configuration, writer: writer)
    steering = OfflineSteering(settings: settings)
    registry = Registry(configuration: configuration, writer: writer, resolver: resolver, steering: steering)
    plane = try OfflinePlane(settings: settings, table: table)
    steeringCounts = Array(repeating: Array(repeating: 0, count: SteerReason.allCases.count), count: links.count)
    resolver.settle()
  }

  /// Steers one received frame and, if it is ours, runs it through a worker's turn.
  public func process(_ frame: [UInt8], port: Int) -> Result {
    switch steering.tables.decide(frame: frame.span, port: port) {
    case .pass(let reason):
      steeringCounts[port][Int(reason.rawValue)] += 1
      return .passed(reason)
    case .ignore:
      // Every configured port is known to the tables, so this does not happen; were it to, the kernel would have it.
      return .passed(.notOurs)
    case .redirect:
      steeringCounts[port][Int(SteerReason.redirected.rawValue)] += 1
      return .worked(plane.process(frame, port: port))
    }
  }

  /// Lets time pass: lifetimes and delays that end by `now` (nanoseconds) end.
  /// - Returns: what ended, each with its time.
  public func advance(to now: UInt64) -> [(at: UInt64, binding: ExpiredBinding)] {
    var expired: [(at: UInt64, binding: ExpiredBinding)] = []
    while let deadline = registry.nextDeadline, deadline <= now {
      let gone = registry.tick(now: deadline)
      expired += gone.map { (at: deadline, binding: $0) }
      writer.reclaim()
      if gone.isEmpty && registry.nextDeadline == deadline { break }
    }
    resolver.tick(now: now)
    writer.reclaim()
    return expired
  }

  public func set(_ records: [TableRecord], now: UInt64) -> Outcome {
    let outcome = registry.set(records, atomic: true, now: now)
    resolver.settle()
    writer.reclaim()
    return outcome
  }

  public func delete(_ keys: [TableKey], now: UInt64) -> Outcome {
    let outcome = registry.delete(keys, atomic: true, now: now)
    writer.reclaim()
    return outcome
  }

  /// All counters by their published names.
  public var counters: CounterReport {
    var tunnels: [(endpoints: TunnelEndpoints, traffic: Traffic)] = []
    registry.forEachTunnelTraffic { tunnels.append((endpoints: $0, traffic: $1)) }
    return CounterReport(
      ports: settings.ports.map(\.name), plane: plane.counters, steering: steeringCounts, tunnels: tunnels)
  }
}
