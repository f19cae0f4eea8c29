/// The walk over the headers between an outer IPv6 header addressed to this machine and the packet it carries
/// (RFC 8200 section 4). The steering program walks the same headers: what it does not follow never gets here.
enum OuterHeaders {
  /// Where the walk ended, and the offset from the start of the frame that belongs to it.
  struct End: BitwiseCopyable {
    var kind: Kind
    /// Protocol number of the upper header.
    var proto: UInt8 = 0
    var offset = 0
  }

  enum Kind: UInt8, BitwiseCopyable {
    /// `offset` is behind all extension headers.
    case upper
    /// A header or an option runs past its end.
    case malformed
    /// An unknown option that says to discard the packet without a word (type 01).
    case discard
    /// An unknown option that wants an answer (types 10 and 11, the packet being unicast): `offset` is its type.
    case unknownOption
    /// A routing header of any type with segments left (RFC 5095 section 3, RFC 8200 section 4.4): `offset` is its type.
    case routing
    /// A part of a tunnel packet: `offset` is its Fragment header.
    case fragment
    /// Nothing that a tunnel's exit opens: the kernel's, which answers where an answer is due.
    case foreign
  }

  /// The five headers of RFC 8200 section 4.1 that may stand in front of an inner packet, and one more. The steering
  /// program has the same bound.
  static let maximum = 6
  /// More options than RFC 8504 section 5.3 lets a node expect, padding included: not worth a turn's time.
  private static let maximumOptions = 64

  private static let padN: UInt8 = 1
  static let encapsulationLimit: UInt8 = 4

  /// - Parameter end: offset of the first octet behind the outer packet.
  @inline(never)
  static func walk(_ frame: FrameView, network: Int, end: Int) -> End {
    var next = frame.octet(network + 6)
    var offset = network + IPv6Header.length
    for position in 0..<maximum {
      switch next {
      case ExtensionHeaders.hopByHop where position == 0, ExtensionHeaders.destinationOptions,
        ExtensionHeaders.routing, ExtensionHeaders.fragment:
        guard offset + 8 <= end else { return End(kind: .malformed) }
        let length = ExtensionHeaders.length(frame, next, at: offset)
        guard offset + length <= end else { return End(kind: .malformed) }
        if let stop = stop(frame, kind: next, at: offset, length: length) { return stop }
        next = frame.octet(offset)
        offset += length
      default:
        return End(kind: .upper, proto: next, offset: offset)
      }
    }
    return End(kind: ExtensionHeaders.isExtension(next) ? .foreign : .upper, proto: next, offset: offset)
  }

  /// Why the walk ends at a header that is wholly there; nil when it goes on behind it.
  private static func stop(_ frame: FrameView, kind: UInt8, at offset: Int, length: Int) -> End? {
    switch kind {
    case ExtensionHeaders.routing:
      return frame.octet(offset + 3) == 0 ? nil : End(kind: .routing, offset: offset + 2)
    case ExtensionHeaders.fragment:
      if ExtensionHeaders.isAtomic(frame, at: offset) { return nil }
      return isTunnelled(frame.octet(offset)) ? End(kind: .fragment, offset: offset) : End(kind: .foreign)
    default:
      return options(frame, from: offset + 2, to: offset + length)
    }
  }

  /// The next headers of a fragment that can be a tunnel packet's: the options with its limit, or the inner packet.
  @inline(__always)
  private static func isTunnelled(_ next: UInt8) -> Bool {
    next == IPv6Header.nextHeaderIPv6 || next == IPv6Header.nextHeaderIPv4
      || next == ExtensionHeaders.destinationOptions
  }

  /// Goes through the options of RFC 8200 section 4.2; nil when all of them are known or may be skipped.
  private static func options(_ frame: FrameView, from start: Int, to end: Int) -> End? {
    var offset = start
    for _ in 0..<maximumOptions {
      if offset == end { return nil }
      let type = frame.octet(offset)
      if type == 0 {
        offset += 1
        continue
      }
      guard offset + 2 <= end, offset + 2 + Int(frame.octet(offset + 1)) <= end else { return End(kind: .malformed) }
      if type != padN && type != encapsulationLimit {
        // Section 4.2: the upper two bits say what a node does that does not know the option.
        switch type >> 6 {
        case 0: break
        case 1: return End(kind: .discard)
        default: return End(kind: .unknownOption, offset: offset)
        }
      }
      offset += 2 + Int(frame.octet(offset + 1))
    }
    return offset == end ? nil : End(kind: .malformed)
  }
}
