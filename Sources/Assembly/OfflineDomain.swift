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
  /// Whose packet is in which slot of the handover buffer.
  private var held: [UInt32: [UInt64]] = [:]
  /// When the domain was last told the time: what a change of the tables has brought about happens then.
  private var clock: UInt64 = 0

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
    clock = max(clock, now)
    switch steering.tables.decide(frame: frame.span, port: port) {
    case .pass(let reason):
      steeringCounts[port][Int(reason.rawValue)] += 1
      record.pass(ticket, reason)
    case .ignore:
      // Every configured port is known to the tables, so this does not happen; were it to, the kernel would have it.
      record.pass(ticket, .notOurs)
    case .redirect:
      steeringCounts[port][Int(SteerReason.redirected.rawValue)] += 1
      let outcome = plane.process(frame, port: port, now: now)
      record.outcome(outcome, of: ticket)
      hold(outcome, tickets: [ticket])
      var out: [OriginatedPacket] = []
      handle(outcome.exceptions, tickets: [ticket], now: now, into: &out)
      send(&out, into: &record)
    }
    return record.events
  }

  private func hold(_ outcome: OfflinePlane.Outcome, tickets: [UInt64]) {
    if let slot = outcome.slot { held[slot] = tickets }
  }

  /// Lets the handover buffer do what is due, with what comes of that.
  private func serve(into record: inout EventRecord) {
    for (slot, outcome) in plane.serve(now: record.now) {
      let tickets = held.removeValue(forKey: slot) ?? []
      record.served(outcome, of: tickets)
      hold(outcome, tickets: tickets)
      var out: [OriginatedPacket] = []
      handle(outcome.exceptions, tickets: tickets, now: record.now, into: &out)
      send(&out, into: &record)
    }
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
      guard let outcome = plane.process(packet, now: record.now) else {
        slowPath.refuse(packet)
        record.refused(packet)
        continue
      }
      record.outcome(outcome, of: packet)
      hold(outcome, tickets: packet.tickets)
      handle(outcome.exceptions, tickets: packet.tickets, now: record.now, into: &out)
    }
    for notice in slowPath.takeNotices() { record.notice(notice) }
    for settlement in slowPath.takeSettlements() { record.dropped(settlement) }
    for change in slowPath.takeChanges() {
      registry.setPathMTU(of: change.tunnel, octets: change.mtu)
    }
    for event in registry.takeEvents() { record.happened(event) }
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
      serve(into: &record)
      events += record.events
      if record.events.isEmpty && nextDeadline == deadline { break }
    }
    clock = max(clock, now)
    resolver.tick(now: now)
    writer.reclaim()
    return events
  }

  private var nextDeadline: UInt64? {
    // What the handover buffer has to do at once, it has to do now: its own word for that is 0.
    let handover = plane.nextDeadline.map { max($0, clock) }
    return [registry.nextDeadline, slowPath.nextDeadline, handover].compactMap(\.self).min()
  }

  /// - Returns: what became of them, and what followed from that.
  public func set(_ records: [TableRecord], now: UInt64) -> (outcome: Outcome, events: [OfflineEvent]) {
    clock = max(clock, now)
    let outcome = registry.set(records, atomic: true, now: now)
    resolver.settle()
    return (outcome, changed(now))
  }

  public func delete(_ keys: [TableKey], now: UInt64) -> (outcome: Outcome, events: [OfflineEvent]) {
    clock = max(clock, now)
    let outcome = registry.delete(keys, atomic: true, now: now)
    return (outcome, changed(now))
  }

  private func changed(_ now: UInt64) -> [OfflineEvent] {
    var record = EventRecord(now: now)
    for event in registry.takeEvents() { record.happened(event) }
    writer.reclaim()
    return record.events
  }

  /// What does not hold together in the tables and in the ledger of held packets: nothing, unless there is a defect.
  public var faults: [String] {
    // Without memory for its notes there is no audit, and nothing to say.
    let findings = (try? TableAudit.run(writer))?.findings ?? []
    return findings.map(\.description) + [plane.ledgerFault].compactMap(\.self)
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
