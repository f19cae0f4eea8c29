import Assembly
import ControlPlane
import ControlProtocol
import FastPath
import FlowTable
import RecordText

/// Plays packets and scripted operations in the order of their times; the packets' times are the clock.
struct ReplayRun {
  /// One packet with the port it arrives on.
  struct Arrival {
    let port: Int
    let packet: CapturedPacket
  }

  let domain: OfflineDomain
  private(set) var output: ReplayOutput
  private var arrivals: [Arrival] = []
  private var verdicts: [ReplayVerdict] = []
  /// What went wrong in the script, for standard error; the replay goes on.
  private(set) var complaints: [String] = []

  /// How long the clock runs on after the last scripted operation, so that pending timers fire.
  private static let aftermath: UInt64 = 120_000_000_000

  init(domain: OfflineDomain) {
    self.domain = domain
    output = ReplayOutput(ports: domain.settings.ports.map(\.name))
  }

  /// - Parameters:
  ///   - arrivals: in the order to process.
  ///   - script: in any order, with the line of each; operations of one time are applied in the order of their lines.
  mutating func play(_ arrivals: [Arrival], script: RecordLines<ScriptedOperation>) {
    self.arrivals = arrivals
    verdicts = arrivals.map { ReplayVerdict(port: $0.port) }
    let start = arrivals.first?.packet.time ?? 0
    // The clock never runs back, so the lines are put into the order of their times first.
    let operations = zip(script.elements, script.lines).map { (at: start + $0.offset, line: $1, operation: $0) }
      .sorted { ($0.at, $0.line) < ($1.at, $1.line) }
    var pending = operations[...]
    for (number, arrival) in arrivals.enumerated() {
      while let next = pending.first, next.at <= arrival.packet.time {
        apply(next)
        pending.removeFirst()
      }
      advance(to: arrival.packet.time)
      show(
        domain.process(
          arrival.packet.frame, port: arrival.port, ticket: UInt64(number), now: arrival.packet.time))
    }
    for next in pending { apply(next) }
    let last = max(arrivals.last?.packet.time ?? start, operations.last?.at ?? start)
    advance(to: last + Self.aftermath)
    for (number, verdict) in verdicts.enumerated() { output.verdict(number, verdict) }
  }

  private mutating func advance(to now: UInt64) { show(domain.advance(to: now)) }

  private mutating func show(_ events: [OfflineEvent]) {
    for event in events {
      switch event.kind {
      case .fate(let tickets, let fate):
        for ticket in tickets { verdicts[Int(ticket)].fate = fate }
      case .sent(let tickets, let port, let frame):
        output.transmit(frame, port: port, time: event.at)
        for ticket in tickets { verdicts[Int(ticket)].out.append(port) }
      case .kernel(let ticket, let reason, let packet):
        let arrival = arrivals[Int(ticket)]
        output.giveToKernel(
          Self.kernelFrame(arrival.packet.frame, packet: packet), number: Int(ticket), port: arrival.port,
          reason: reason, time: event.at)
      case .expired(let binding): show(binding, at: event.at)
      case .registry(let happened): show(happened, at: event.at)
      case .notice(let name, let prefix, let address, let mac, let port):
        var members = [
          ("event", JSONText.quoted(name)), ("at", EventText.seconds(event.at)),
          ("prefix", JSONText.quoted("\(prefix)")),
          ("address", JSONText.quoted("\(address)")),
        ]
        if let mac { members.append(("mac", JSONText.quoted("\(mac)"))) }
        members.append(("port", JSONText.quoted(domain.settings.ports[port].name)))
        output.event(members)
      }
    }
  }

  private mutating func show(_ event: RegistryEvent, at time: UInt64) {
    switch event {
    case .routeExpired(let from, let to): show("route-expired", at: time, [("from", "\(from)"), ("to", "\(to)")])
    case .flushed(let key, let mobileNode): show("flushed", at: time, Self.members(key, mobileNode))
    case .peer(let address, let isFailed):
      show("peer", at: time, [("remote", "\(address)"), ("state", isFailed ? "failed" : "alive")])
    case .pathMTU(let tunnel, let octets):
      let ends = [("local", "\(tunnel.local)"), ("remote", "\(tunnel.remote)")]
      show("path-mtu", at: time, ends, numbers: [("mtu", "\(octets)")])
    }
  }

  private mutating func show(_ expired: ExpiredBinding, at time: UInt64) {
    let reason = expired.cause == .lifetime ? "lifetime" : "deregistered"
    show("expired", at: time, Self.members(expired.key, expired.mobileNode) + [("reason", reason)])
  }

  /// What names a binding, as in the daemon's events: the mobile node where the record has one.
  private static func members(_ key: BindingKey, _ mobileNode: String?) -> [(String, String)] {
    [("table", key.table.text), ("prefix", "\(key.prefix)")] + (mobileNode.map { [("mn", $0)] } ?? [])
  }

  private mutating func show(
    _ name: String, at time: UInt64, _ members: [(String, String)], numbers: [(String, String)] = []
  ) {
    let quoted = members.map { ($0.0, JSONText.quoted($0.1)) }
    output.event([("event", JSONText.quoted(name)), ("at", EventText.seconds(time))] + quoted + numbers)
  }

  private mutating func apply(_ scripted: (at: UInt64, line: Int, operation: ScriptedOperation)) {
    let (now, line, operation) = scripted
    advance(to: now)
    let (outcome, events) =
      switch operation.action {
      case .set(let record): domain.set([record], now: now)
      case .delete(let key): domain.delete([key], now: now)
      }
    show(events)
    guard let failure = outcome.firstFailure else { return }
    complaints.append("line \(line): \(failure.field): \(failure.rule)")
    output.event([
      ("event", JSONText.quoted("refused")), ("at", EventText.seconds(now)), ("line", "\(line)"),
      ("field", JSONText.quoted(failure.field)), ("reason", JSONText.quoted(failure.rule)),
    ])
  }

  /// What the kernel gets: the frame as it came, or a packet behind the link-layer header it arrived with.
  private static func kernelFrame(_ frame: [UInt8], packet: [UInt8]?) -> [UInt8] {
    guard let packet, let first = packet.first else { return frame }
    let type: [UInt8] = first >> 4 == 4 ? [0x08, 0x00] : [0x86, 0xdd]
    return frame.prefix(12) + type + packet
  }
}
