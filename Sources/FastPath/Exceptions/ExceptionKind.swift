/// What a packet needs that a turn cannot give it: why a bounded copy goes to the slow path.
///
/// The verdict stays what the turn decided (`PacketState.except`): an answered packet is a drop all the same.
public enum ExceptionKind: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  case none
  /// Hop limit or TTL used up: ICMPv6 (3,0), ICMPv4 (11,0) to the inner source.
  case timeExceeded
  /// The inner packet is too large and may not be fragmented; the detail is the MTU to report.
  case packetTooBig
  /// A finished outer packet that is larger than its path; the detail is the path MTU (RFC 2473 section 7).
  case oversized
  /// ICMPv6 (1,0), ICMPv4 (3,0) to the inner source.
  case noRoute
  /// ICMPv6 (1,0), ICMPv4 (3,1): an anchored address without a binding (CONTRACT, `unbound: unreachable`).
  case unbound
  /// ICMPv6 (1,3), ICMPv4 (3,1) to the inner source.
  case addressUnreachable
  /// ICMPv6 (4,0) to the inner source; the detail is the pointer from the start of the inner header.
  case parameterProblem
  /// ICMPv6 (4,0) and (4,2) to the outer source; the detail is the pointer from the start of the outer header.
  case outerParameterProblem
  case outerUnknownOption
  /// A fragment of an outer packet.
  case outerFragment
  /// An ICMPv6 error about one of our tunnel packets (RFC 2473 section 8).
  case tunnelError
  /// News of a dropped packet, which is not answered: no binding for an anchored address.
  case unboundNotice
  /// An unbound source on an access port; the octets begin at the frame's source MAC address, and the detail is where the
  /// IP header is in them.
  case unknownSource
  /// A limit of held packets was reached.
  case bufferOverflow

  /// Whether it only tells: a turn passes one such packet of each kind on, since one is as good as many.
  var isNotice: Bool { notice != [] }

  /// What it tells of.
  var notice: Notices {
    switch self {
    case .unboundNotice: .unbound
    case .unknownSource: .unknownSource
    case .bufferOverflow: .bufferOverflow
    default: []
    }
  }

  /// Whether an ICMP error goes to the source of the packet that is looked up.
  var answersInner: Bool {
    switch self {
    case .timeExceeded, .packetTooBig, .noRoute, .unbound, .addressUnreachable, .parameterProblem: true
    default: false
    }
  }

  /// Whether it is about the outermost packet; otherwise about the packet that is looked up.
  var isAboutOuter: Bool {
    switch self {
    case .oversized, .outerParameterProblem, .outerUnknownOption, .outerFragment, .tunnelError: true
    default: false
    }
  }
}

/// Kinds of packets that only make news.
struct Notices: OptionSet, BitwiseCopyable {
  let rawValue: UInt8

  static let unbound = Notices(rawValue: 1)
  static let unknownSource = Notices(rawValue: 2)
  static let bufferOverflow = Notices(rawValue: 4)
}
