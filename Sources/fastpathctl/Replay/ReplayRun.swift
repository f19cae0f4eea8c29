import Assembly
import ControlPlane
import ControlProtocol
import FastPath
import FlowTable

/// Plays packets and scripted operations in the order of their times; the packets' times are the clock.
struct ReplayRun {
  /// One packet with the port it arrives on.
  struct Arrival {
    let port: Int
    let packet: CapturedPacket
  }

  let domain: OfflineDomain
  private(set) var output: ReplayOutput
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
      process(arrival, number: number)
    }
    for next in pending { apply(next) }
    let last = max(arrivals.last?.packet.time ?? start, operations.last?.at ?? start)
    advance(to: last + Self.aftermath)
  }

  private mutating func advance(to now: UInt64) {
    for (time, expired) in domain.advance(to: now) {
      let reason = expired.cause == .lifetime ? "lifetime" : "deregistered"
      output.event([
        ("event", JSONText.quoted("expired")), ("at", Self.seconds(time)),
        ("prefix", JSONText.quoted("\(expired.key.prefix)")), ("reason", JSONText.quoted(reason)),
      ])
    }
  }

  private mutating func apply(_ scripted: (at: UInt64, line: Int, operation: ScriptedOperation)) {
    let (now, line, operation) = scripted
    advance(to: now)
    let outcome =
      switch operation.action {
      case .set(let record): domain.set([record], now: now)
      case .delete(let key): domain.delete([key], now: now)
      }
    guard let failure = outcome.firstFailure else { return }
    complaints.append("line \(line): \(failure.field): \(failure.rule)")
    output.event([
      ("event", JSONText.quoted("refused")), ("at", Self.seconds(now)), ("line", "\(line)"),
      ("field", JSONText.quoted(failure.field)), ("reason", JSONText.quoted(failure.rule)),
    ])
  }

  private mutating func process(_ arrival: Arrival, number: Int) {
    let frame = arrival.packet.frame
    let time = arrival.packet.time
    switch domain.process(frame, port: arrival.port) {
    case .passed(let reason):
      output.giveToKernel(frame, number: number, port: arrival.port, reason: reason.name, time: time)
      output.verdict(number, port: arrival.port, verdict: "kernel", reason: reason.name, out: [])
    case .worked(let outcome):
      for packet in outcome.sent { output.transmit(packet.frame, port: packet.port, time: time) }
      let out = outcome.sent.map(\.port)
      switch outcome.fate {
      case .transmitted: output.verdict(number, port: arrival.port, verdict: "tx", reason: nil, out: out)
      case .dropped(let reason):
        output.verdict(number, port: arrival.port, verdict: "drop", reason: reason.name, out: out)
      case .held: output.verdict(number, port: arrival.port, verdict: "held", reason: nil, out: out)
      case .kernel(let reason):
        output.giveToKernel(
          Self.kernelFrame(frame, packet: outcome.kernelPacket, reason: reason), number: number, port: arrival.port,
          reason: reason.name, time: time)
        output.verdict(number, port: arrival.port, verdict: "kernel", reason: reason.name, out: out)
      }
    }
  }

  /// What the kernel gets: the frame as it came, or the packet of a tunnel behind the link-layer header it arrived with.
  private static func kernelFrame(_ frame: [UInt8], packet: [UInt8]?, reason: PuntReason) -> [UInt8] {
    guard reason == .innerLocal || reason == .foreignInterface, let packet, let first = packet.first else {
      return frame
    }
    let type: [UInt8] = first >> 4 == 4 ? [0x08, 0x00] : [0x86, 0xdd]
    return frame.prefix(12) + type + packet
  }

  /// Seconds with nine digits, the notation of every `at`.
  private static func seconds(_ time: UInt64) -> String {
    let fraction = String(time % 1_000_000_000)
    return "\(time / 1_000_000_000).\(String(repeating: "0", count: 9 - fraction.count))\(fraction)"
  }
}
