import FastPath
import FlowTable

/// Errors of our own, and those from inside a tunnel that are passed on.
extension SlowPathEngine {
  private func router(_ family: AddressFamily) -> IPAddress? {
    family == .ipv6 ? settings.routerIPv6 : settings.routerIPv4
  }

  /// Answers a packet that a worker has dropped.
  mutating func answer(_ exception: ExceptionPacket, now: UInt64, into out: inout [OriginatedPacket]) {
    let pointer = UInt32(exception.detail)
    switch exception.kind {
    case .outerParameterProblem:
      let error = ICMPError(4, 0, parameter: pointer)
      answerOuter(
        exception.octets, with: error, kind: .parameterProblem, tickets: exception.tickets, now: now, into: &out)
    case .outerUnknownOption:
      let error = ICMPError(4, 2, parameter: pointer)
      answerOuter(
        exception.octets, with: error, kind: .parameterProblem, tickets: exception.tickets, now: now, into: &out)
    default:
      guard let packet = AnswerablePacket(exception.octets[...]),
        let (error, kind) = packet.isIPv4
          ? Self.errorIPv4(exception.kind, exception.detail) : Self.errorIPv6(exception.kind, exception.detail)
      else { return counters.unanswerable += 1 }
      send(
        error, about: packet, from: router(packet.source.family), kind: kind, tickets: exception.tickets, now: now,
        into: &out)
    }
  }

  /// An error about a packet that was sent to us comes from the address it was sent to (RFC 4443 section 2.2).
  mutating func answerOuter(
    _ octets: [UInt8], with error: ICMPError, kind: OriginatedKind, tickets: [UInt64], now: UInt64,
    into out: inout [OriginatedPacket]
  ) {
    guard let packet = AnswerablePacket(octets[...]), settings.localAddresses.contains(packet.destination) else {
      return counters.unanswerable += 1
    }
    send(error, about: packet, from: packet.destination, kind: kind, tickets: tickets, now: now, into: &out)
  }

  /// Type and code of RFC 4443 section 3.
  private static func errorIPv6(_ kind: ExceptionKind, _ detail: UInt16) -> (ICMPError, OriginatedKind)? {
    switch kind {
    case .timeExceeded: (ICMPError(3, 0), .timeExceeded)
    case .packetTooBig: (ICMPError(2, 0, parameter: UInt32(detail)), .packetTooBig)
    case .noRoute, .unbound: (ICMPError(1, 0), .destinationUnreachable)
    case .addressUnreachable: (ICMPError(1, 3), .destinationUnreachable)
    case .parameterProblem: (ICMPError(4, 0, parameter: UInt32(detail)), .parameterProblem)
    default: nil
    }
  }

  /// Type and code of RFC 792; the next hop's MTU is in the low 16 bits (RFC 1191 section 4).
  private static func errorIPv4(_ kind: ExceptionKind, _ detail: UInt16) -> (ICMPError, OriginatedKind)? {
    switch kind {
    case .timeExceeded: (ICMPError(11, 0), .timeExceeded)
    case .packetTooBig: (ICMPError(3, 4, parameter: UInt32(detail)), .packetTooBig)
    case .noRoute: (ICMPError(3, 0), .destinationUnreachable)
    case .unbound, .addressUnreachable: (ICMPError(3, 1), .destinationUnreachable)
    default: nil
    }
  }

  /// RFC 2473 section 8: what a node inside the tunnel complains of concerns the source of the packet inside.
  mutating func relay(_ exception: ExceptionPacket, now: UInt64, into out: inout [OriginatedPacket]) {
    guard exception.tunnel.rawValue != 0,
      let report = TunnelReport(exception.octets, local: settings.localAddresses)
    else { return counters.unanswerable += 1 }
    let error: ICMPError?
    switch report.finding {
    case .other: error = nil
    case .unreachable: error = report.original.first.map { $0 >> 4 == 4 ? ICMPError(3, 1) : ICMPError(1, 3) }
    case .tooBig(let mtu):
      guard mtu >= PathMTUTable.least else { return counters.unanswerable += 1 }
      let path = Int(min(mtu, UInt32(UInt16.max)))
      let known = Int(exception.detail) + report.overhead
      if let estimate = paths.learn(report.endpoints, path, known: known, now: now) {
        note(PathMTUChange(tunnel: report.endpoints, mtu: estimate))
      }
      error = Self.tooBig(report, path: path)
    }
    guard let error else { return }
    guard let packet = AnswerablePacket(report.original) else { return counters.unanswerable += 1 }
    send(
      error, about: packet, from: router(packet.source.family), kind: .relay, tickets: exception.tickets, now: now,
      into: &out)
  }

  /// RFC 2473 sections 8.2 and 8.3: a smaller packet is cut into fragments next time, so its source hears nothing.
  private static func tooBig(_ report: TunnelReport, path: Int) -> ICMPError? {
    let inner = path - report.overhead
    guard let first = report.original.first else { return nil }
    if first >> 4 == 4 {
      return report.forbidsFragments ? ICMPError(3, 4, parameter: UInt32(max(inner, 68))) : nil
    }
    return report.originalLength > PathMTUTable.least
      ? ICMPError(2, 0, parameter: UInt32(max(inner, PathMTUTable.least))) : nil
  }
}
