extension TableAudit {
  /// A stretch of the index by endpoints.
  func checkTunnelIndex(_ budget: Int) -> Int {
    let tunnels = writer.tunnels
    let records = TunnelRecords(tunnels)
    let end = min(tunnels.index.bucketCount, position + max(1, budget / BucketStorage.slotsPerBucket))
    let scan = SlotScan(storage: tunnels.index, records: records, name: "tunnel index", log: log)
    if position == 0 { secondPasses = SecondPasses() }
    scan.check(position..<end, &secondPasses) { slot in
      tunnelProbes.add(slot.probes)
      let id = records.id(slot.index)
      if !tunnels.exists(TunnelID(id)) || tunnels.slotNumber(id) != slot.index {
        log.note(
          .identifiers, "tunnel index bucket \(slot.bucket) slot \(slot.slot)",
          "record \(slot.index) is of tunnel \(id), which does not exist or has another record")
      }
    }
    let done = (end - position) * BucketStorage.slotsPerBucket
    position = end
    guard end == tunnels.index.bucketCount else { return done }
    checkSecondPasses("tunnel index")
    return done + enter(.localizedRoutes)
  }

  /// Tunnels by their identifiers.
  func checkTunnels(_ budget: Int) -> Int {
    let tunnels = writer.tunnels
    let records = TunnelRecords(tunnels)
    let end = min(tunnels.identifiers.highWater, position + budget)
    for number in position..<max(position, end) {
      let id = UInt32(number)
      let record = tunnels.slotNumber(id)
      guard let count = tunnels.users(TunnelID(id)) else {
        // Cleared, or still there for packets under way.
        if record != 0 && isUnchanged && marks(.tunnels).answer(id) != .isHeld {
          log.note(.identifiers, "tunnel \(id)", "does not exist, but its slot names record \(record)")
        }
        continue
      }
      hold(.tunnels, id, "tunnel \(id)")
      guard records.isInUse(record), records.id(record) == id else {
        log.note(.identifiers, "tunnel \(id)", "its slot names record \(record), which is not its own")
        continue
      }
      hold(.tunnelRecords, record, "tunnel \(id)")
      if !writer.nextHops.exists(NextHopID(records.nextHop(record))) {
        log.note(.target, "tunnel \(id)", "names next hop \(records.nextHop(record)), which does not exist")
      }
      if isUnchanged && number < users.count && users[number] != count {
        log.note(.tunnelUsers, "tunnel \(id)", "counts \(count) users, \(users[number]) bindings name it")
      }
    }
    let done = max(1, end - position)
    position = max(position, end)
    return position >= tunnels.identifiers.highWater ? done + enter(.nextHops) : done
  }

  /// Next hops by their identifiers. 0 is always there and unreachable: record 0.
  func checkNextHops(_ budget: Int) -> Int {
    let nextHops = writer.nextHops
    let end = min(nextHops.present.count, position + budget)
    for number in position..<max(position, end) {
      let id = UInt32(number)
      let record = nextHops.slotNumber(id)
      guard nextHops.exists(NextHopID(id)), id != 0 else {
        if record != 0 && (id == 0 || (isUnchanged && marks(.nextHops).answer(id) != .isHeld)) {
          log.note(.identifiers, "next hop \(id)", "does not exist, but its slot names record \(record)")
        }
        continue
      }
      hold(.nextHops, id, "next hop \(id)")
      guard record != 0, Int(record) < nextHops.recordPool.highWater, nextHops.isComplete(record) else {
        log.note(.identifiers, "next hop \(id)", "its slot names record \(record), which is no complete record in use")
        continue
      }
      hold(.nextHopRecords, record, "next hop \(id)")
    }
    let done = max(1, end - position)
    position = max(position, end)
    return position >= nextHops.present.count ? done + enter(.lost(.bindingRecords)) : done
  }

  /// Indices of a pool that nothing names.
  func checkLost(_ name: AuditedPool, _ budget: Int) -> Int {
    let next = AuditedPool.allCases.drop { $0 != name }.dropFirst().first
    return noteLost(marks(name), "\(name)", budget, next.map { .lost($0) } ?? .lostBlocks(.trieNodes))
  }

  /// Units of the memory of blocks that nothing names.
  func checkLostBlocks(_ blocks: AuditedBlocks, _ budget: Int) -> Int {
    noteLost(marks(blocks), "\(blocks)", budget, blocks.next.map { .lostBlocks($0) } ?? .totals)
  }

  /// In an unchanged table there are none. 64 indices are one entry.
  private func noteLost(_ marks: IndexMarks, _ name: String, _ budget: Int, _ next: Stage) -> Int {
    let end = isUnchanged ? min(marks.groups, position + budget) : position
    for group in position..<max(position, end) {
      let lost = marks.lost(inGroup: group)
      if lost != 0 {
        let first = group * 64 + lost.trailingZeroBitCount
        log.note(.accounting, name, "\(lost.nonzeroBitCount) are neither free nor in use, from \(first) on")
      }
    }
    let done = end - position
    position = end
    return !isUnchanged || end == marks.groups ? done + enter(next) : done
  }

  /// What the whole of an unchanged table must add up to.
  func checkTotals() {
    let live = tables.map(\.live)
    let (bindings, routes) = (live[0] + live[1], live[2])
    if bindings != writer.bindings.live {
      log.note(.counts, "bindings", "\(bindings) live, not \(writer.bindings.live)")
    }
    if routes != writer.routes.live { log.note(.counts, "routes", "\(routes) live, not \(writer.routes.live)") }
    for number in TableNumber.allCases {
      let table = writer.prefixTable(number)
      let tally = tables[Int(number.rawValue)]
      if tally.probes.keys != table.linked {
        log.note(.counts, "\(number)", "\(tally.probes.keys) keys found in their places, \(table.linked) linked")
      }
      if tally.probes.further != table.displaced && tally.probes.longest < ProbeLengths.longestCounted {
        log.note(
          .counts, "\(number)", "keys lie \(tally.probes.further) buckets past their first, counted \(table.displaced)")
      }
      for length in tally.lengths.indices where tally.lengths[length] != table.lengthCounts[length] {
        log.note(
          .lengths, "\(number), length class \(length)",
          "\(tally.lengths[length]) keys found, counted \(table.lengthCounts[length])")
      }
    }
    if tunnelProbes.keys != writer.tunnels.count {
      log.note(.counts, "tunnel index", "\(tunnelProbes.keys) tunnels found, \(writer.tunnels.count) exist")
    }
  }
}

extension TunnelTable {
  /// The number in the slot of an identifier: of a record, or 0; also 0 for an identifier that never was.
  func slotNumber(_ id: UInt32) -> UInt32 {
    Int(id) < identifiers.highWater ? recordNumber(TunnelID(id)) : 0
  }
}

extension NextHopTable {
  /// As `TunnelTable.slotNumber`.
  func slotNumber(_ id: UInt32) -> UInt32 {
    Int(id) < identifiers.highWater ? recordNumber(NextHopID(id)) : 0
  }

  /// Whether the kind of a record in use is a known one.
  func isComplete(_ number: UInt32) -> Bool {
    let offset = MemoryLayout<NextHopRecord>.offset(of: \.kind) ?? 0
    // The caller has checked the number; the kind is loaded as a number, since any octet may be there.
    let kind = unsafe UnsafeRawPointer(pointer(number)).load(fromByteOffset: offset, as: UInt8.self)
    return NextHopEntry.Kind(rawValue: kind) != nil
  }
}
