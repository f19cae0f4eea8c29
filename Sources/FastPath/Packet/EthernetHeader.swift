import FlowTable

/// IEEE 802.3 framing, with up to two VLAN tags on receive and at most one on transmit.
enum EthernetHeader {
  static let length = 14
  /// Where the source address is.
  static let sourceAddress = 6
  static let tagLength = 4
  static let typeIPv4: UInt16 = 0x0800
  static let typeIPv6: UInt16 = 0x86dd
  static let typeVLAN: UInt16 = 0x8100
  static let typeServiceVLAN: UInt16 = 0x88a8
  /// No tag, or a priority tag (VLAN identifier 0), which names no VLAN (IEEE 802.1Q 9.6).
  static let untagged: UInt16 = 0
  /// More tags than one: equal to no binding's VLAN.
  static let stacked: UInt16 = 0xffff
}

/// A link-layer header ready to be stored: its octets in memory order, the EtherType left open.
struct LinkHeader: BitwiseCopyable {
  /// Destination and the first two octets of the source.
  var first: UInt64 = 0
  /// The rest of the source, then the VLAN tag if there is one.
  var second: UInt64 = 0
  /// 14, or 18 with a tag.
  var length = EthernetHeader.length

  init() {}

  @inline(__always)
  init(first: UInt64, second: UInt64, length: Int) {
    self.first = first
    self.second = second
    self.length = length
  }

  @inline(__always)
  init(destination: MACAddress, source: MACAddress, vlan: UInt16) {
    first = (destination.value << 16 | source.value >> 32).bigEndian
    let tag = vlan == EthernetHeader.untagged ? 0 : UInt64(EthernetHeader.typeVLAN) << 16 | UInt64(vlan)
    second = (source.value << 32 | tag).bigEndian
    length = EthernetHeader.length + (vlan == EthernetHeader.untagged ? 0 : EthernetHeader.tagLength)
  }

  /// Writes the header so that the network header, which must not be touched, follows it at `network`.
  @inline(__always)
  func write(_ frame: FrameView, before network: Int, type: UInt16) {
    let start = network - length
    frame.setNative64(start, first)
    if length == EthernetHeader.length {
      // Only four octets of the second word belong to an untagged header.
      frame.setNative32(start + 8, UInt32(truncatingIfNeeded: second.littleEndian).littleEndian)
    } else {
      frame.setNative64(start + 8, second)
    }
    frame.setWord16(network - 2, type)
  }
}
