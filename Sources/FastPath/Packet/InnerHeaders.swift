/// Walks over the headers of a packet that is forwarded (RFC 8200 section 4): what a tunnel's entry and an anchor must
/// know of them. Nothing in them is judged; what cannot be followed ends the walk.
///
/// A walk ends with the packet, not with a number of headers or options, which a sender could exceed to hide what is
/// looked for. Each header takes 8 octets at least and each option one, so no octet is looked at twice.
enum InnerHeaders {
  private static let homeTestInit: UInt8 = 1

  /// Where the value of the packet's tunnel encapsulation limit option is, from the start of the frame; 0 when it has
  /// none (RFC 2473 section 4.1.1: the headers in order, up to an IPv6 header or one that nothing can follow).
  ///
  /// - Parameters:
  ///   - network: offset of the packet's IPv6 header.
  ///   - end: offset of the first octet behind the packet.
  @inline(never)
  static func encapsulationLimit(_ frame: FrameView, network: Int, end: Int) -> Int {
    var next = frame.octet(network + 6)
    var offset = network + IPv6Header.length
    while let behind = behind(frame, next, at: offset, end: end) {
      if next == ExtensionHeaders.destinationOptions {
        let found = limit(frame, from: offset + 2, to: behind)
        if found != 0 { return found }
      }
      next = frame.octet(offset)
      offset = behind
    }
    return 0
  }

  /// Whether the packet is a Home Test Init (RFC 6275 section 6.1.3), the first message of a route optimisation that
  /// proxy mobility has not (RFC 5213 section 5.9).
  @inline(never)
  static func isHomeTestInit(_ frame: FrameView, network: Int, end: Int) -> Bool {
    var next = frame.octet(network + 6)
    var offset = network + IPv6Header.length
    while next != ExtensionHeaders.mobility {
      guard let behind = behind(frame, next, at: offset, end: end) else { return false }
      next = frame.octet(offset)
      offset = behind
    }
    return offset + 3 <= end && frame.octet(offset + 2) == homeTestInit
  }

  /// Offset behind the extension header of this kind at `offset`; nil when it is none, when it runs past `end`, or when
  /// what follows is the middle of a fragment.
  @inline(__always)
  private static func behind(_ frame: FrameView, _ kind: UInt8, at offset: Int, end: Int) -> Int? {
    guard ExtensionHeaders.isExtension(kind), offset + 8 <= end else { return nil }
    if kind == ExtensionHeaders.fragment && ExtensionHeaders.fragmentOffset(frame, at: offset) != 0 { return nil }
    let behind = offset + ExtensionHeaders.length(frame, kind, at: offset)
    return behind <= end ? behind : nil
  }

  /// The limit's value among destination options; 0 without one. An option of another length than 1 is none.
  private static func limit(_ frame: FrameView, from start: Int, to end: Int) -> Int {
    var offset = start
    while offset < end {
      let type = frame.octet(offset)
      if type == 0 {
        offset += 1
        continue
      }
      guard offset + 2 <= end else { return 0 }
      let length = Int(frame.octet(offset + 1))
      guard offset + 2 + length <= end else { return 0 }
      if type == OuterHeaders.encapsulationLimit && length == 1 { return offset + 2 }
      offset += 2 + length
    }
    return 0
  }
}
