/// What an audit has counted in one prefix table so far.
struct PrefixTally {
  var probes = ProbeLengths()
  var live = 0
  var lengths = [Int](repeating: 0, count: LengthClass.count)

  mutating func add(_ check: RecordCheck) {
    probes.add(check.probes)
    live += check.live
    for length in lengths.indices { lengths[length] += check.lengths[length] }
  }
}

extension TableAudit {
  /// A stretch of buckets of one prefix table: of its current storage, then of the one it grows into.
  func checkPrefixes(_ number: TableNumber, _ budget: Int) -> Int {
    let table = writer.prefixTable(number)
    if scanned == nil || (scanned != table.current && scanned != table.growing) {
      // The beginning, or the table has changed over to another storage meanwhile.
      tables[Int(number.rawValue)] = PrefixTally()
      scanned = table.current
      position = 0
    }
    if position == 0 { secondPasses = SecondPasses() }
    guard let storage = scanned else { return 1 }
    let isCurrent = storage == table.current
    let end = min(storage.bucketCount, position + max(1, budget / BucketStorage.slotsPerBucket))
    if isCurrent {
      checkCurrent(number, table, position..<end)
    } else {
      checkGrowing(number, table, storage, position..<end)
    }
    let done = (end - position) * BucketStorage.slotsPerBucket
    position = end
    guard end == storage.bucketCount else { return done }
    checkSecondPasses(isCurrent ? "\(number)" : "new \(number)")
    if isCurrent, let growing = table.growing {
      (scanned, position) = (growing, 0)
      return done
    }
    scanned = nil
    let next = TableNumber(rawValue: number.rawValue + 1)
    return done + enter(next.map { .prefixes($0) } ?? .tunnelIndex)
  }

  /// At the end of a storage. In a changed one the keys and the counts were seen at different times.
  func checkSecondPasses(_ name: String) {
    if isUnchanged && !secondPasses.agree {
      log.note(.passedCount, name, "buckets say that other keys went on to their second buckets than did")
    }
  }

  /// Slots of the current storage, and the records behind them.
  private func checkCurrent(_ number: TableNumber, _ table: PrefixTable, _ buckets: Range<Int>) {
    var check = RecordCheck(self, number)
    swap(&check.users, &users)
    swap(&check.blockUsers, &blockUsers)
    let growing = table.growing
    let copied = table.copied
    let scan = SlotScan(storage: table.current, records: check.records, name: "\(number)", log: log)
    scan.check(buckets, &secondPasses) { slot in
      func place() -> String { "\(number) bucket \(slot.bucket) slot \(slot.slot), record \(slot.index)" }
      check.probes.add(slot.probes)
      check.checkLinked(slot.index, place)
      guard let growing else { return }
      let isCopied = growing.place(slot.hash) { $0 == slot.index } != nil
      if isCopied != (slot.bucket < copied) {
        check.log.note(.growth, place(), "is \(isCopied ? "" : "not ")in the new storage; \(copied) buckets are copied")
      }
    }
    check.settle()
    swap(&check.users, &users)
    swap(&check.blockUsers, &blockUsers)
    tables[Int(number.rawValue)].add(check)
  }

  /// Slots of the storage that a table grows into: copies of those in copied buckets.
  private func checkGrowing(
    _ number: TableNumber, _ table: PrefixTable, _ growing: BucketStorage, _ buckets: Range<Int>
  ) {
    let records = RecordCheck(self, number).records
    let current = table.current
    let copied = table.copied
    let scan = SlotScan(storage: growing, records: records, name: "new \(number)", log: log)
    scan.check(buckets, &secondPasses) { slot in
      let original = current.place(slot.hash) { $0 == slot.index }
      guard let original, original.bucket & (current.bucketCount - 1) < copied else {
        log.note(
          .growth, "new \(number) bucket \(slot.bucket) slot \(slot.slot)",
          "names record \(slot.index), which is in no copied bucket")
        return
      }
    }
  }
}
