// Octets of a visitor record (48): 0 family, 1 prefix length, 2–3 reserved, 4–7 flags (none yet), 8–15 reserved,
//   16–31 prefix, 32–47 port name

extension VisitorRecord {
  public static let wireSize = 48

  init(decoding bytes: RawSpan, at base: Int) throws(RecordError) {
    try bytes.requireZero(base + 2..<base + 16, field: "reserved")
    prefix = try Self.decodeKey(bytes, at: base)
    port = try bytes.portName(base + 32..<base + 48, field: "port")
  }

  static func decodeKey(_ bytes: RawSpan, at base: Int) throws(RecordError) -> WirePrefix {
    let family = try bytes.family(at: base, field: "visitor")
    return try bytes.prefix(at: base + 16, family: family, length: bytes.uint8(at: base + 1), field: "visitor")
  }

  func encode(into buffer: inout [UInt8]) {
    Self.encodeKey(prefix, into: &buffer)
    buffer.append(text: port, paddedTo: 16)
  }

  static func encodeKey(_ prefix: WirePrefix, into buffer: inout [UInt8]) {
    buffer.append(prefix.address.family.rawValue)
    buffer.append(prefix.length)
    buffer.append(zeros: 14)
    buffer.append(address: prefix.address)
  }
}
