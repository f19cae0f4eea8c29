import ControlPlane
import ControlProtocol
import FastPath
import FlowTable
import SlowPath

/// One anchor or gateway without interfaces: registry, tables, steering and pipeline on the calling thread, with the
/// caller's clock.
///
/// Replay and the conformance tests run the very code of the daemon through this: the same registry writes the same
/// tables, and `OfflinePlane` runs the same turn.
public final class OfflineDomain {
  public let configuration: DaemonConfiguration
  public let settings: PlaneSettings
  public let registry: Registry
  private let table: FlowTable
  private let writer: TableWriter
  private let resolver: NextHopResolver
  private let steering: OfflineSteering
  private let plane: OfflinePlane
  private var slowPath: SlowPathEngine
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
    slowPath = SlowPathEngine(settings: SlowPathSettings(configuration: configuration, plane: settings))
    steeringCounts = Array(repeating: Array(repeating: 0, count: SteerReason.allCases.count), count: links.count)
    resolver.settle()
  }

  /// Steers one received frame and, if it is ours, runs it through a worker's turn and what follows from it at once.
  /// - Parameters:
  ///   - ticket: the caller's number for this packet.
  ///   - now: nanoseconds; `advance` has brought the domain there.
  public func process(_ frame: [UInt8], port: Int, ticket: UInt64, now: UInt64) -> [OfflineEvent] {
    var record = EventRecord(now: now)
    switch steering.tables.decide(frame: frame.span, port: port) {
    case .pass(let reason):
      steeringCounts[port][Int(reason.rawValue)] += 1
      record.pass(ticket, reason)
    case .ignore:
      // Every configured port is known to the tables, so this does not happen; were it to, the kernel would have it.
      record.pass(ticket, .notOurs)
    case .redirect:
      steeringCounts[port][Int(SteerReason.redirected.rawValue)] += 1
      let outcome = plane.process(frame, port: port)
      record.outcome(outcome, of: ticket)
      var out: [OriginatedPacket] = []
      handle(outcome.exceptions, tickets: [ticket], now: now, into: &out)
      send(&out, into: &record)
    }
    return record.events
  }

  private func handle(
    _ exceptions: [ExceptionPacket], tickets: [UInt64], now: UInt64, into out: inout [OriginatedPacket]
  ) {
    for var exception in exceptions {
      exception.tickets = tickets
      slowPath.handle(exception, now: now, into: &out)
    }
  }

  /// Runs what the slow path sends through the plane, with what comes of that, and takes in what it has learnt.
  private func send(_ out: inout [OriginatedPacket], into record: inout EventRecord) {
    var position = 0
    while position < out.count {
      let packet = out[position]
      position += 1
      guard let outcome = plane.process(packet) else {
        slowPath.refuse(packet)
        record.refused(packet)
        continue
      }
      record.outcome(outcome, of: packet)
      handle(outcome.exceptions, tickets: packet.tickets, now: record.now, into: &out)
    }
    for settlement in slowPath.takeSettlements() { record.dropped(settlement) }
    for change in slowPath.takeChanges() {
      guard let mtu = registry.setPathMTU(of: change.tunnel, octets: change.mtu) else { continue }
      record.pathMTU(change.tunnel, mtu)
    }
    writer.reclaim()
  }

  /// Lets time pass: lifetimes, delays, reassemblies and path MTUs that end by `now` (nanoseconds) end, each at its time.
  public func advance(to now: UInt64) -> [OfflineEvent] {
    var events: [OfflineEvent] = []
    while let deadline = nextDeadline, deadline <= now {
      var record = EventRecord(now: deadline)
      for binding in registry.tick(now: deadline) { record.expired(binding) }
      for event in registry.takeEvents() { record.happened(event) }
      var out: [OriginatedPacket] = []
      slowPath.advance(to: deadline, into: &out)
      send(&out, into: &record)
      events += record.events
      if record.events.isEmpty && nextDeadline == deadline { break }
    }
    resolver.tick(now: now)
    writer.reclaim()
    return events
  }

  private var nextDeadline: UInt64? { [registry.nextDeadline, slowPath.nextDeadline].compactMap(\.self).min() }

  /// - Returns: what became of them, and what followed from that.
  public func set(_ records: [TableRecord], now: UInt64) -> (outcome: Outcome, events: [OfflineEvent]) {
    let outcome = registry.set(records, atomic: true, now: now)
    resolver.settle()
    return (outcome, changed(now))
  }

  public func delete(_ keys: [TableKey], now: UInt64) -> (outcome: Outcome, events: [OfflineEvent]) {
    let outcome = registry.delete(keys, atomic: true, now: now)
    return (outcome, changed(now))
  }

  private func changed(_ now: UInt64) -> [OfflineEvent] {
    var record = EventRecord(now: now)
    for event in registry.takeEvents() { record.happened(event) }
    writer.reclaim()
    return record.events
  }

  /// All counters by their published names.
  public var counters: CounterReport {
    var tunnels: [(endpoints: TunnelEndpoints, traffic: Traffic)] = []
    registry.forEachTunnelTraffic { tunnels.append((endpoints: $0, traffic: $1)) }
    return CounterReport(
      ports: settings.ports.map(\.name), plane: plane.counters, slowPath: slowPath.counters,
      steering: steeringCounts, tunnels: tunnels)
  }
}
