// Decoding of the fields that several records share. Offsets are within one record whose size was checked.

/// A field's failure, before the record's position in the frame is known.
func fieldError(_ field: String, _ rule: String) -> RecordError { RecordError(field: field, rule: rule) }

extension RawSpan {
  func family(at offset: Int, field: String) throws(RecordError) -> WireFamily {
    guard let family = WireFamily(rawValue: uint8(at: offset)) else {
      throw fieldError(field, "address family must be 4 or 6, not \(uint8(at: offset))")
    }
    return family
  }

  /// - Parameter field: made only for an error, since joining names costs more than reading the address.
  func address(
    at offset: Int, family: WireFamily, field: @autoclosure () -> String
  ) throws(RecordError) -> WireAddress {
    let high = networkUInt64(at: offset)
    let low = networkUInt64(at: offset + 8)
    switch family {
    case .ipv6: return WireAddress(ipv6High: high, low: low)
    case .ipv4:
      guard high & 0xffff_ffff == 0, low == 0 else {
        throw fieldError(field(), "the last 12 octets of an IPv4 address must be zero")
      }
      return WireAddress(ipv4: UInt32(high >> 32))
    }
  }

  func prefix(at offset: Int, family: WireFamily, length: UInt8, field: String) throws(RecordError) -> WirePrefix {
    guard length <= family.bits else {
      throw fieldError(field, "prefix length \(length) is above \(family.bits)")
    }
    let address = try address(at: offset, family: family, field: field)
    guard let prefix = WirePrefix(address: address, length: Int(length)) else {
      throw fieldError(field, "bits after the prefix length must be zero")
    }
    return prefix
  }

  func tunnel(at offset: Int, family: WireFamily, field: String) throws(RecordError) -> WireTunnel {
    let local = try address(at: offset, family: family, field: field + ".local")
    let remote = try address(at: offset + 16, family: family, field: field + ".remote")
    guard !local.isUnspecified else { throw fieldError(field + ".local", "must not be the unspecified address") }
    guard !remote.isUnspecified else { throw fieldError(field + ".remote", "must not be the unspecified address") }
    guard local != remote else { throw fieldError(field + ".remote", "must differ from local") }
    return WireTunnel(local: local, remote: remote)
  }

  func portName(_ range: Range<Int>, field: String) throws(RecordError) -> String {
    guard let name = paddedText(range), !name.isEmpty, name.utf8.count <= Limits.portNameOctets else {
      throw fieldError(field, "must be UTF-8 of 1 to \(Limits.portNameOctets) octets, padded with zeros")
    }
    return name
  }

  /// No bit of the record's flag word may be one that this version does not know.
  func requireFlags(at offset: Int, known: UInt32) throws(RecordError) {
    guard uint32(at: offset) & ~known == 0 else { throw fieldError("flags", "unknown bit set") }
  }

  func requireZero(_ range: Range<Int>, field: String) throws(RecordError) {
    guard isZero(range) else { throw fieldError(field, "must be zero") }
  }
}
