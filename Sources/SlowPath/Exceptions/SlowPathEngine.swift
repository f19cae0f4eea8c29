import FastPath
import FlowTable

/// What becomes of the packets that need more than a turn: answers, relayed errors, path MTUs, reassembly and fragments.
///
/// A value without I/O or clock: the live thread and a replay feed it the same way. One serves the whole plane, so that
/// its rate limits and tables are shared by all workers. Any octets at all may come in; nothing traps.
public struct SlowPathEngine: Sendable {
  let settings: SlowPathSettings
  /// RFC 4443 section 2.4 (f). Packet Too Big has a bucket of its own: a flood of other errors must not keep senders
  /// from learning what fits.
  private var errors: TokenBucket
  private var tooBigs: TokenBucket
  private var reassembler: Reassembler
  private var fragmenter: OuterFragmenter
  var paths = PathMTUTable()
  public var counters = SlowPathCounters()
  private var changes: [PathMTUChange] = []
  private var settlements: [Settlement] = []
  private var noticeLimit = NoticeLimit()
  private var notices: [TrafficNotice] = []

  public init(settings: SlowPathSettings) {
    self.settings = settings
    errors = TokenBucket(rate: settings.rate, burst: settings.burst)
    tooBigs = TokenBucket(rate: settings.rate, burst: settings.burst)
    reassembler = Reassembler(limits: settings.reassembly)
    fragmenter = OuterFragmenter(secret: settings.secret)
  }

  /// When `advance` has something to do next, in nanoseconds of the owner's clock.
  public var nextDeadline: UInt64? {
    [reassembler.nextExpiry, paths.nextExpiry].compactMap(\.self).min()
  }

  /// Takes one packet that a worker could not finish.
  /// - Parameters:
  ///   - now: nanoseconds of the owner's clock.
  ///   - out: gets what is to be sent, in order.
  public mutating func handle(_ exception: ExceptionPacket, now: UInt64, into out: inout [OriginatedPacket]) {
    if let notice = TrafficNotice(exception), noticeLimit.allows(notice, now: now) { notices.append(notice) }
    switch exception.kind {
    case .none, .unboundNotice, .unknownSource, .bufferOverflow: break
    case .outerFragment: reassemble(exception, now: now, into: &out)
    case .oversized: cut(exception, into: &out)
    case .tunnelError: relay(exception, now: now, into: &out)
    default: answer(exception, now: now, into: &out)
    }
    advance(to: now, into: &out)
  }

  /// Lets time pass: reassemblies that wait too long and path MTUs that are too old end.
  public mutating func advance(to now: UInt64, into out: inout [OriginatedPacket]) {
    for expired in reassembler.expire(now: now) {
      counters.drop(expired.reason, packets: expired.tokens.count)
      settlements.append(Settlement(tickets: expired.tokens, reason: expired.reason))
      guard let first = expired.firstFragment else { continue }
      let error = ICMPError(3, 1)
      answerOuter(first, with: error, kind: .timeExceeded, tickets: expired.tokens, now: now, into: &out)
    }
    for tunnel in paths.expire(now: now) { changes.append(PathMTUChange(tunnel: tunnel, mtu: nil)) }
  }

  /// The owner could not pass a packet on.
  public mutating func refuse(_ packet: OriginatedPacket) { counters.refuse(packet.kind) }

  /// What has become known of paths since the last call, in order.
  public mutating func takeChanges() -> [PathMTUChange] {
    defer { changes = [] }
    return changes
  }

  /// The packets dropped since the last call that a worker had left to the slow path.
  public mutating func takeSettlements() -> [Settlement] {
    defer { settlements = [] }
    return settlements
  }

  /// What the control plane may want to know since the last call, at most a hundred a second of each kind.
  public mutating func takeNotices() -> [TrafficNotice] {
    defer { notices = [] }
    return notices
  }

  mutating func note(_ change: PathMTUChange) { changes.append(change) }

  // MARK: Sending

  /// Passes a packet of this host's own on: its way is that of everything that is originated.
  mutating func send(_ packet: OwnPacket, into out: inout [OriginatedPacket]) {
    emit(packet.octets, .originated, kind: .local, tickets: [], into: &out)
  }

  /// Sends an error if its bucket has a token.
  mutating func send(
    _ error: ICMPError, about packet: AnswerablePacket, from source: IPAddress?, kind: OriginatedKind,
    tickets: [UInt64], now: UInt64, into out: inout [OriginatedPacket]
  ) {
    // Our own addresses are nobody's to be answered: such a source is forged.
    guard let source, !settings.localAddresses.contains(packet.source) else { return counters.unanswerable += 1 }
    let isTooBig = packet.isIPv4 ? error.type == 3 && error.code == 4 : error.type == 2
    guard isTooBig ? tooBigs.take(now: now) : errors.take(now: now) else { return counters.rateLimited += 1 }
    emit(
      error.packet(about: packet.octets, from: source, to: packet.source), .originated, kind: kind, tickets: tickets,
      into: &out)
  }

  private mutating func emit(
    _ octets: [UInt8], _ continuation: OriginatedPacket.Continuation, kind: OriginatedKind?, tickets: [UInt64],
    into out: inout [OriginatedPacket]
  ) {
    counters.emit(kind)
    out.append(OriginatedPacket(octets: octets, continuation: continuation, kind: kind, tickets: tickets))
  }

  private mutating func settle(_ tickets: [UInt64], _ reason: DropReason, packets: Int = 1) {
    counters.drop(reason, packets: packets)
    settlements.append(Settlement(tickets: tickets, reason: reason))
  }

  // MARK: Fragments

  private mutating func reassemble(_ exception: ExceptionPacket, now: UInt64, into out: inout [OriginatedPacket]) {
    let ticket = exception.tickets.first ?? 0
    switch reassembler.add(exception.octets, now: now, token: ticket) {
    case .held: break
    case .complete(let packet):
      counters.merge(packets: packet.tokens.count)
      emit(packet.octets, .arrived(port: exception.port), kind: nil, tickets: packet.tokens, into: &out)
    case .dropped(let reason, let problem):
      settle([ticket], reason)
      guard let problem else { break }
      let error = ICMPError(4, problem.code, parameter: problem.pointer)
      answerOuter(
        exception.octets, with: error, kind: .parameterProblem, tickets: [ticket], now: now, into: &out)
    }
  }

  private mutating func cut(_ exception: ExceptionPacket, into out: inout [OriginatedPacket]) {
    let fragments = fragmenter.fragments(of: exception.octets, mtu: Int(exception.detail))
    guard !fragments.isEmpty else { return settle(exception.tickets, .tooBig) }
    counters.merge(packets: 1)
    for (number, fragment) in fragments.enumerated() {
      emit(
        fragment, .outer(exception.tunnel), kind: number == 0 ? nil : .fragment, tickets: exception.tickets,
        into: &out)
    }
  }
}
