/// What the slow path sends by itself, beside the packets it passes on; counted as `originated.KIND`.
public enum OriginatedKind: UInt8, CaseIterable, Sendable {
  case destinationUnreachable, packetTooBig, timeExceeded, parameterProblem
  /// An ICMP error from inside a tunnel, sent on to the source of the packet inside (RFC 2473 section 8).
  case relay
  /// A fragment of an outer packet beside its first.
  case fragment
  /// What this host's kernel sends to a mobile node.
  case local

  public var name: String {
    switch self {
    case .destinationUnreachable: "destination-unreachable"
    case .packetTooBig: "packet-too-big"
    case .timeExceeded: "time-exceeded"
    case .parameterProblem: "parameter-problem"
    case .relay: "relay"
    case .fragment: "fragment"
    case .local: "local"
    }
  }
}
