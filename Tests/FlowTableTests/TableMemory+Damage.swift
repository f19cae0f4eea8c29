import FlowTable

/// Numbers in a table's raw memory, to look at and to damage. The layouts are those that the parts' comments give.
extension TableWriter {
  func word32(_ part: TablePart, _ offset: Int) -> UInt32 {
    // Traps beyond the part.
    unsafe octets(of: part).load(fromByteOffset: offset, as: UInt32.self)
  }

  func word64(_ part: TablePart, _ offset: Int) -> UInt64 {
    unsafe octets(of: part).load(fromByteOffset: offset, as: UInt64.self)
  }

  func octet(_ part: TablePart, _ offset: Int) -> UInt8 {
    unsafe octets(of: part)[offset]
  }

  func set(_ part: TablePart, _ offset: Int, to value: UInt8) { unsafe octets(of: part)[offset] = value }

  func set(_ part: TablePart, _ offset: Int, word32 value: UInt32) {
    unsafe octets(of: part).storeBytes(of: value, toByteOffset: offset, as: UInt32.self)
  }

  func set(_ part: TablePart, _ offset: Int, word64 value: UInt64) {
    unsafe octets(of: part).storeBytes(of: value, toByteOffset: offset, as: UInt64.self)
  }

  func byteCount(_ part: TablePart) -> Int { unsafe octets(of: part).count }

  /// The records of a proxy binding that were not freed, found by their octets, oldest first.
  func recordNumbersByAge(_ prefix: Prefix) -> [Int] {
    (1..<byteCount(.bindingRecords) / 64).filter { number in
      word64(.bindingRecords, number * 64) == prefix.address.high
        && word64(.bindingRecords, number * 64 + 8) == prefix.address.low
        && octet(.bindingRecords, number * 64 + 48) == prefix.length
    }.sorted { word64(.bindingRecords, $0 * 64 + 16) < word64(.bindingRecords, $1 * 64 + 16) }
  }

  /// The record of a proxy binding that is linked.
  func recordNumber(_ prefix: Prefix) -> Int? { recordNumbersByAge(prefix).last { place($0) != nil } }

  /// Bucket and slot that name a record.
  func place(_ record: Int, in part: TablePart = .proxyBuckets) -> (bucket: Int, slot: Int)? {
    for bucket in 0..<byteCount(part) / 64 {
      for slot in 0..<10 where tag(part, bucket, slot) != 0 && index(part, bucket, slot) == UInt32(record) {
        return (bucket, slot)
      }
    }
    return nil
  }

  func tag(_ part: TablePart, _ bucket: Int, _ slot: Int) -> UInt16 {
    UInt16(octet(part, bucket * 64 + slot * 2)) | UInt16(octet(part, bucket * 64 + slot * 2 + 1)) << 8
  }

  func setTag(_ part: TablePart, _ bucket: Int, _ slot: Int, _ tag: UInt16) {
    set(part, bucket * 64 + slot * 2, to: UInt8(truncatingIfNeeded: tag))
    set(part, bucket * 64 + slot * 2 + 1, to: UInt8(tag >> 8))
  }

  func index(_ part: TablePart, _ bucket: Int, _ slot: Int) -> UInt32 {
    word32(part, bucket * 64 + 24 + slot * 4)
  }

  /// How many keys a bucket says have passed it to the next one.
  func passed(_ part: TablePart, _ bucket: Int) -> UInt8 { octet(part, bucket * 64 + 20) }

  /// How many keys a bucket says have passed it to their second ones.
  func passedToSecond(_ part: TablePart, _ bucket: Int) -> UInt8 { octet(part, bucket * 64 + 21) }

  /// The filter of their tags.
  func filter(_ part: TablePart, _ bucket: Int) -> UInt16 { UInt16(word32(part, bucket * 64 + 20) >> 16) }

  /// Nil leaves a number as it is.
  func setPassed(
    _ part: TablePart, _ bucket: Int, next: UInt8? = nil, second: UInt8? = nil, filter: UInt16? = nil
  ) {
    let (next, second) = (next ?? passed(part, bucket), second ?? passedToSecond(part, bucket))
    let filter = filter ?? self.filter(part, bucket)
    set(part, bucket * 64 + 20, word32: UInt32(filter) << 16 | UInt32(second) << 8 | UInt32(next))
  }
}
