/// The walk over the headers between an outer IPv6 header and the packet it carries.
enum ExtensionHeaders {
  /// As many as the steering program walks; a longer chain is not a tunnel's.
  static let maximum = 4

  /// The upper header's protocol number and offset; nil when a header runs past `end`.
  ///
  /// Only hop-by-hop and destination options are stepped over: a tunnel entry puts nothing else in front of the inner
  /// packet except a Fragment header (RFC 2473 section 5.1), and fragments are not steered here.
  /// - Parameter end: offset of the first octet behind the outer packet.
  @inline(__always)
  static func upperHeader(_ frame: FrameView, network: Int, end: Int) -> (proto: UInt8, offset: Int)? {
    var next = frame.octet(network + 6)
    var offset = network + IPv6Header.length
    var walked = 0
    while next == IPv6Header.nextHeaderHopByHop || next == IPv6Header.nextHeaderDestinationOptions {
      if walked == maximum || offset + 8 > end { return nil }
      let length = (Int(frame.octet(offset + 1)) + 1) * 8
      next = frame.octet(offset)
      offset += length
      walked += 1
    }
    return offset <= end ? (next, offset) : nil
  }
}
