import FastPath

/// The ICMPv6 Parameter Problem that RFC 8200 section 4.5 wants sent to the source of a refused fragment; it quotes the
/// fragment as it was given.
public struct FragmentProblem: Hashable, Sendable {
  /// 0: erroneous header field; 3: first fragment without its whole header chain (RFC 7112 section 5).
  public let code: UInt8
  /// Offset of the octet at fault from the start of the fragment's IPv6 header.
  public let pointer: UInt32

  public init(code: UInt8, pointer: UInt32) {
    self.code = code
    self.pointer = pointer
  }

  /// The Payload Length is no multiple of eight octets though more fragments follow.
  static let length = FragmentProblem(code: 0, pointer: 4)
  /// The first fragment ends before the header that follows the outer ones does.
  static let headerChain = FragmentProblem(code: 3, pointer: 0)

  /// The packet would be longer than its Payload Length can say; points at the Fragment Offset field.
  static func offset(fragmentHeader: Int) -> FragmentProblem {
    FragmentProblem(code: 0, pointer: UInt32(fragmentHeader + 2))
  }
}

/// A packet whose fragments have all come, without its Fragment header.
public struct ReassembledPacket: Hashable, Sendable {
  /// From the IPv6 header on.
  public let octets: [UInt8]
  /// The tokens of every fragment that shares its fate, duplicates included, in the order they came.
  public let tokens: [UInt64]

  public init(octets: [UInt8], tokens: [UInt64]) {
    self.octets = octets
    self.tokens = tokens
  }
}

/// What became of a fragment that was given to `Reassembler.add`.
public enum ReassemblyOutcome: Hashable, Sendable {
  /// Waits for the rest of its packet; its fate is told later under its token.
  case held
  /// It was the last one missing, or needed no other (RFC 6946).
  case complete(ReassembledPacket)
  /// Refused; `answer` when its source is to be told.
  case dropped(DropReason, answer: FragmentProblem?)
}

/// A packet given up before its fragments were complete.
public struct ExpiredReassembly: Hashable, Sendable {
  /// `reassemblyTimeout`, or why it ended earlier: `reassemblyOverlap`, `reassemblyFull`, `reassembledTooBig`, `ecn`.
  public let reason: DropReason
  /// The tokens of the fragments that were held and are dropped now.
  public let tokens: [UInt64]
  /// The fragment with offset 0 as it arrived, after a timeout only: what a Time Exceeded (3,1) quotes. Without it none
  /// is sent (RFC 8200 section 4.5).
  public let firstFragment: [UInt8]?

  public init(reason: DropReason, tokens: [UInt64], firstFragment: [UInt8]?) {
    self.reason = reason
    self.tokens = tokens
    self.firstFragment = firstFragment
  }
}
