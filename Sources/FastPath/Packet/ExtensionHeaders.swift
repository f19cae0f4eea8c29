/// What a packet's headers say comes next: the numbers of RFC 8200 section 4 and RFC 7045, and how long each header is.
enum ExtensionHeaders {
  static let hopByHop: UInt8 = 0
  static let routing: UInt8 = 43
  static let fragment: UInt8 = 44
  static let authentication: UInt8 = 51
  static let destinationOptions: UInt8 = 60
  static let mobility: UInt8 = 135
  static let hostIdentity: UInt8 = 139
  static let shim6: UInt8 = 140

  /// Whether a next header number is one of an extension header that another header may follow.
  @inline(__always)
  static func isExtension(_ next: UInt8) -> Bool {
    if next < 64 { return first64 >> UInt64(next) & 1 != 0 }
    return next == mobility || next == hostIdentity || next == shim6
  }

  private static let first64: UInt64 = 1 << 0 | 1 << 43 | 1 << 44 | 1 << 51 | 1 << 60

  /// Octets of the extension header of this kind at `offset`, whose first two octets the caller has found in the packet.
  @inline(__always)
  static func length(_ frame: FrameView, _ kind: UInt8, at offset: Int) -> Int {
    let units = Int(frame.octet(offset + 1))
    return switch kind {
    case fragment: 8
    // RFC 4302 section 2.2: in 4 octets, less 2.
    case authentication: (units + 2) * 4
    default: (units + 1) * 8
    }
  }

  /// Fragment offset in 8 octets, of the Fragment header at `offset`.
  @inline(__always)
  static func fragmentOffset(_ frame: FrameView, at offset: Int) -> UInt16 { frame.word16(offset + 2) >> 3 }

  /// Whether the Fragment header at `offset` is of a packet that is whole (RFC 6946: an atomic fragment).
  @inline(__always)
  static func isAtomic(_ frame: FrameView, at offset: Int) -> Bool { frame.word16(offset + 2) & 0xfff9 == 0 }
}
