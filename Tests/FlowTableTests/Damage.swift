import FlowTable
import Testing

/// One way in which a table's memory can be wrong, and the invariant that it breaks. What else an audit finds in such a
/// table is not said: one damage may break several.
struct Damage: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let breaks: TableInvariant
  let inflict: @Sendable (AuditFixture) throws -> Void

  init(_ words: String, _ breaks: TableInvariant, _ inflict: @escaping @Sendable (AuditFixture) throws -> Void) {
    testDescription = words
    self.breaks = breaks
    self.inflict = inflict
  }

  struct NothingToDamage: Error {}

  /// A value that the fixture has; a test without one must fail.
  static func need<Value>(_ value: Value?) throws -> Value {
    guard let value else { throw NothingToDamage() }
    return value
  }
}

extension AuditFixture {
  /// The record of a present binding that nothing else waits for, and where it is linked.
  func linked(_ number: Int = 7) throws -> (record: Int, bucket: Int, slot: Int) {
    let record = try Damage.need(writer.recordNumber(present[number]))
    let place = try Damage.need(writer.place(record))
    return (record, place.bucket, place.slot)
  }

  func record(_ number: Int, _ field: Int, word32 value: UInt32) {
    writer.set(.bindingRecords, number * 64 + field, word32: value)
  }

  func field(_ number: Int, _ field: Int) -> UInt32 { writer.word32(.bindingRecords, number * 64 + field) }

  /// The position of the first retired item of a kind (0 a replaced record, 1 a tombstone, 4 a tunnel).
  func retired(_ kind: UInt8) throws -> Int {
    try Damage.need((0..<writer.byteCount(.retireQueue) / 24).first { writer.octet(.retireQueue, $0 * 24 + 8) == kind })
  }

  /// The number of the record that a retired item names.
  func retiredRecord(_ item: Int) -> Int { Int(writer.word32(.retireQueue, item * 24 + 12)) }

  func freeSlot(_ part: TablePart, _ bucket: Int) throws -> Int {
    try Damage.need((0..<10).first { writer.tag(part, bucket, $0) == 0 })
  }
}

/// Damages to slots and buckets.
let bucketDamages: [Damage] = [
  Damage("a slot names record 0", .slotNamesRecord) { fixture in
    let (_, bucket, slot) = try fixture.linked()
    fixture.writer.set(.proxyBuckets, bucket * 64 + 24 + slot * 4, word32: 0)
  },
  Damage("a slot names a record that never was", .slotNamesRecord) { fixture in
    let (_, bucket, slot) = try fixture.linked()
    fixture.writer.set(.proxyBuckets, bucket * 64 + 24 + slot * 4, word32: 0xffff_ff00)
  },
  Damage("a slot names another key's record", .tag) { fixture in
    let (_, bucket, slot) = try fixture.linked()
    let other = try fixture.linked(8).record
    fixture.writer.set(.proxyBuckets, bucket * 64 + 24 + slot * 4, word32: UInt32(other))
  },
  Damage("a tag is wrong", .tag) { fixture in
    let (_, bucket, slot) = try fixture.linked()
    fixture.writer.setTag(.proxyBuckets, bucket, slot, fixture.writer.tag(.proxyBuckets, bucket, slot) ^ 0x0100)
  },
  Damage("a slot is lost: counts", .counts) { try $0.loseSlot() },
  Damage("a slot is lost: lengths", .lengths) { try $0.loseSlot() },
  Damage("a slot is lost: its record", .accounting) { try $0.loseSlot() },
  Damage("a search ends before its key", .reachable) { fixture in
    let bucket = try fixture.passedBucket()
    fixture.writer.setPassed(.proxyBuckets, bucket, filter: 0)
  },
  Damage("a search ends before its second bucket", .reachable) { fixture in
    fixture.writer.setPassed(.proxyBuckets, try fixture.crowdedBuckets()[0], filter: 0)
  },
  Damage("a bucket forgets the keys that passed", .passedCount) { fixture in
    let bucket = try fixture.passedBucket()
    fixture.writer.setPassed(.proxyBuckets, bucket, next: 0)
  },
  Damage("a bucket counts a key too many", .passedCount) { fixture in
    let (writer, bucket) = (fixture.writer, try fixture.passedBucket())
    writer.setPassed(.proxyBuckets, bucket, next: writer.passed(.proxyBuckets, bucket) + 1)
  },
  Damage("a bucket counts a key that is not there", .passedCount) { fixture in
    fixture.writer.setPassed(.mobileBuckets, try fixture.neverPassed(), next: 1, filter: 1)
  },
  Damage("a filter sends on although no key passed", .passedCount) { fixture in
    fixture.writer.setPassed(.mobileBuckets, try fixture.neverPassed(), filter: 0x0100)
  },
  Damage("a filter is empty although a key passed to its second bucket", .passedCount) { fixture in
    fixture.writer.setPassed(.mobileBuckets, try fixture.neverPassed(), second: 1)
  },
  Damage("a bucket counts no key that went to its second one, only others", .passedCount) { fixture in
    let writer = fixture.writer
    let bucket = try Damage.need(try fixture.crowdedBuckets().first { writer.passed(.proxyBuckets, $0) > 0 })
    writer.setPassed(.proxyBuckets, bucket, second: 0)
  },
  Damage("a key has two slots", .uniqueKey) { fixture in
    let writer = fixture.writer
    // A bucket with room, and any key in it.
    let bucket = try Damage.need(
      (0..<64).first { bucket in
        writer.tag(.proxyBuckets, bucket, 0) != 0 && (0..<10).contains { writer.tag(.proxyBuckets, bucket, $0) == 0 }
      })
    let free = try fixture.freeSlot(.proxyBuckets, bucket)
    writer.set(.proxyBuckets, bucket * 64 + 24 + free * 4, word32: writer.index(.proxyBuckets, bucket, 0))
    writer.setTag(.proxyBuckets, bucket, free, writer.tag(.proxyBuckets, bucket, 0))
  },
  Damage("a copied key is not in the new storage", .growth) { fixture in
    let writer = fixture.writer
    let bucket = try Damage.need((0..<128).first { writer.tag(.growingBuckets, $0, 0) != 0 })
    writer.setTag(.growingBuckets, bucket, 0, 0)
  },
  Damage("the new storage has a key that was not copied", .growth) { fixture in
    let writer = fixture.writer
    // A key of the last bucket, at its home: in twice as many buckets its home is one of the last two.
    let bucket = 63
    let used = try Damage.need((0..<10).first { writer.tag(.proxyBuckets, bucket, $0) != 0 })
    for number in [2 * bucket, 2 * bucket + 1] {
      let free = try fixture.freeSlot(.growingBuckets, number)
      writer.set(.growingBuckets, number * 64 + 24 + free * 4, word32: writer.index(.proxyBuckets, bucket, used))
      writer.setTag(.growingBuckets, number, free, writer.tag(.proxyBuckets, bucket, used))
    }
  },
]

/// Damages to the counts of keys that went on to their second buckets. Those keys may be anywhere, so that only an audit
/// of an unchanged table finds them.
let secondDamages: [Damage] = [
  Damage("a bucket counts a key too many that went to its second one", .passedCount) { fixture in
    let (writer, bucket) = (fixture.writer, try fixture.crowdedBuckets()[0])
    writer.setPassed(.proxyBuckets, bucket, second: writer.passedToSecond(.proxyBuckets, bucket) + 1)
  },
  Damage("a bucket counts a key for another", .passedCount) { fixture in
    let (writer, buckets) = (fixture.writer, try fixture.crowdedBuckets())
    writer.setPassed(.proxyBuckets, buckets[0], second: writer.passedToSecond(.proxyBuckets, buckets[0]) - 1)
    writer.setPassed(.proxyBuckets, buckets[1], second: writer.passedToSecond(.proxyBuckets, buckets[1]) + 1)
  },
  Damage("a growing storage's bucket counts a key that went nowhere", .passedCount) { fixture in
    let writer = fixture.writer
    writer.setPassed(.growingBuckets, 3, second: writer.passedToSecond(.growingBuckets, 3) + 1, filter: 1)
  },
  Damage("a tunnel has a second bucket", .passedCount) { $0.writer.setPassed(.tunnelIndex, 0, second: 1, filter: 1) },
]

extension AuditFixture {
  /// Two buckets that keys have passed to their second ones.
  func crowdedBuckets() throws -> [Int] {
    let buckets = (0..<64).filter { writer.passedToSecond(.proxyBuckets, $0) > 0 }
    return buckets.count < 2 ? try Damage.need(nil) : buckets
  }

  /// A bucket that no key has passed.
  func neverPassed() throws -> Int { try Damage.need((0..<64).first { writer.filter(.mobileBuckets, $0) == 0 }) }

  /// A bucket that some key's probe has passed.
  func passedBucket() throws -> Int { try Damage.need((0..<64).first { writer.passed(.proxyBuckets, $0) > 0 }) }

  func loseSlot() throws {
    let (_, bucket, slot) = try linked()
    writer.setTag(.proxyBuckets, bucket, slot, 0)
  }
}

/// Damages to the words that readers start from, and to their own.
let sharedDamages: [Damage] = [
  Damage("another generation is published", .published) { $0.writer.set(.header, 0, word64: $0.writer.generation - 1) },
  Damage("another root is published", .published) { fixture in
    fixture.writer.set(.header, 192, word64: fixture.writer.word64(.header, 192) ^ 0x4000)
  },
  Damage("a length in use is not published", .published) { fixture in
    // Bit 64 of the proxy table's lengths.
    fixture.writer.set(.header, 192 + 16, word64: fixture.writer.word64(.header, 192 + 16) & ~1)
  },
  Damage("a length is published that no key has", .published) { fixture in
    fixture.writer.set(.header, 128 + 8, word64: fixture.writer.word64(.header, 128 + 8) | 1 << 33)
  },
  Damage("a worker has reported what is not published", .quiescence) { fixture in
    fixture.writer.set(.quiescentWords, 128, word64: fixture.writer.generation + 1)
  },
]

let allDamages =
  bucketDamages + secondDamages + sharedDamages + recordDamages + waitingDamages + tunnelDamages + routeDamages
  + localizedDamages
