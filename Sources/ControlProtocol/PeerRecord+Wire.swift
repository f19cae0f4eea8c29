// Octets of a peer record (32): 0 family, 1 state, 2–15 reserved, 16–31 address

extension PeerRecord {
  public static let wireSize = 32

  init(decoding bytes: RawSpan, at base: Int) throws(RecordError) {
    try bytes.requireZero(base + 2..<base + 16, field: "reserved")
    address = try Self.decodeKey(bytes, at: base)
    guard let state = State(rawValue: bytes.uint8(at: base + 1)) else {
      throw fieldError("state", "unknown state \(bytes.uint8(at: base + 1)) of a peer")
    }
    self.state = state
  }

  static func decodeKey(_ bytes: RawSpan, at base: Int) throws(RecordError) -> WireAddress {
    let family = try bytes.family(at: base, field: "peer")
    let address = try bytes.address(at: base + 16, family: family, field: "peer")
    guard !address.isUnspecified else { throw fieldError("peer", "must not be the unspecified address") }
    return address
  }

  func encode(into buffer: inout [UInt8]) { Self.encodeKey(address, state: state.rawValue, into: &buffer) }

  static func encodeKey(_ address: WireAddress, state: UInt8, into buffer: inout [UInt8]) {
    buffer.append(address.family.rawValue)
    buffer.append(state)
    buffer.append(zeros: 14)
    buffer.append(address: address)
  }
}
