import FlowTable
import Testing

/// Damages to the records of bindings, and to who else names them.
let recordDamages: [Damage] = [
  Damage("a key changes", .tag) { fixture in
    let record = try fixture.linked().record
    fixture.record(record, 4, word32: fixture.field(record, 4) ^ 0x0100)
  },
  Damage("a key has bits past its length", .slotNamesRecord) { fixture in
    let record = try fixture.linked(6).record
    fixture.writer.set(.bindingRecords, record * 64 + 48, to: 24)
  },
  Damage("a length is none", .slotNamesRecord) { fixture in
    fixture.writer.set(.bindingRecords, try fixture.linked().record * 64 + 48, to: 162)
  },
  Damage("a state is none", .slotNamesRecord) { fixture in
    fixture.writer.set(.bindingRecords, try fixture.linked().record * 64 + 50, to: 7)
  },
  Damage("a record is of the future", .generation) { fixture in
    let record = try fixture.linked().record
    fixture.writer.set(.bindingRecords, record * 64 + 16, word64: fixture.writer.generation + 1)
  },
  Damage("a record has no generation", .generation) { fixture in
    fixture.writer.set(.bindingRecords, try fixture.linked().record * 64 + 16, word64: 0)
  },
  Damage("a record replaced itself", .predecessors) { fixture in
    let record = try Damage.need(fixture.writer.recordNumber(AuditFixture.prefix(380)))
    fixture.record(record, 32, word32: UInt32(record))
  },
  Damage("a record replaced another key's", .predecessors) { fixture in
    let record = try Damage.need(fixture.writer.recordNumber(AuditFixture.prefix(380)))
    fixture.record(record, 32, word32: UInt32(try fixture.linked().record))
  },
  Damage("a record replaced one that never was", .predecessors) { fixture in
    let record = try Damage.need(fixture.writer.recordNumber(AuditFixture.prefix(380)))
    fixture.record(record, 32, word32: 1 << 20)
  },
  Damage("a record replaced a newer one", .predecessors) { fixture in
    let record = try Damage.need(fixture.writer.recordNumber(AuditFixture.prefix(380)))
    let older = Int(fixture.field(record, 32))
    fixture.writer.set(
      .bindingRecords, older * 64 + 16, word64: fixture.writer.word64(.bindingRecords, record * 64 + 16) + 1)
  },
  Damage("predecessors go round", .predecessors) { fixture in
    // Set twice in one batch: the first of the two replaces the second.
    let newest = try Damage.need(fixture.writer.recordNumber(fixture.replaced))
    let older = Int(fixture.field(newest, 32))
    fixture.record(older, 32, word32: UInt32(newest))
  },
  Damage("a live record is marked as removed", .tombstone) { fixture in
    fixture.writer.set(.bindingRecords, try fixture.linked().record * 64 + 49, to: 1)
  },
  Damage("a removed record is marked as live", .retired) { fixture in
    let tombstone = fixture.retiredRecord(try fixture.retired(1))
    fixture.writer.set(.bindingRecords, tombstone * 64 + 49, to: 0)
  },
  Damage("a binding names no tunnel", .target) { fixture in
    fixture.record(try fixture.linked().record, 36, word32: 0)
  },
  Damage("a binding names a tunnel that ended", .target) { fixture in
    fixture.record(try fixture.linked().record, 36, word32: fixture.fixture.tunnels[6].rawValue)
  },
  Damage("a binding names a peer that never was", .target) { fixture in
    fixture.record(try fixture.linked().record, 44, word32: 0xffff_ffff)
  },
  Damage("a binding names another tunnel", .tunnelUsers) { fixture in
    fixture.record(try fixture.linked().record, 36, word32: fixture.fixture.tunnels[5].rawValue)
  },
  Damage("a binding names a peer more", .tunnelUsers) { fixture in
    let record = try fixture.linked(3).record
    fixture.record(record, 44, word32: fixture.field(record, 44) == 0 ? fixture.fixture.tunnels[5].rawValue : 0)
  },
  Damage("two bindings share a traffic cell", .trafficCell) { fixture in
    let (one, other) = (try fixture.linked().record, try fixture.linked(8).record)
    fixture.record(one, 40, word32: fixture.field(other, 40))
  },
  Damage("a binding has no traffic cell", .trafficCell) { fixture in
    fixture.record(try fixture.linked().record, 40, word32: 0)
  },
  Damage("a traffic cell is free and in use", .trafficCell) { fixture in
    fixture.writer.set(.freeTrafficCells, 0, word32: fixture.field(try fixture.linked().record, 40))
  },
  Damage("a removed binding has another's traffic cell", .trafficCell) { fixture in
    let tombstone = fixture.retiredRecord(try fixture.retired(1))
    fixture.record(tombstone, 40, word32: fixture.field(try fixture.linked().record, 40))
  },
]

/// Damages to free lists and to the retire queue.
let waitingDamages: [Damage] = [
  Damage("a record is free and live", .accounting) { fixture in
    fixture.writer.set(.freeBindingRecords, 0, word32: UInt32(try fixture.linked().record))
  },
  Damage("a record is free twice", .accounting) { fixture in
    fixture.writer.set(.freeBindingRecords, 0, word32: fixture.writer.word32(.freeBindingRecords, 4))
  },
  Damage("a record is free that never was", .accounting) { fixture in
    fixture.writer.set(.freeBindingRecords, 8, word32: 0x7fff_ffff)
  },
  Damage("a retired item is out of order", .retired) { fixture in
    fixture.writer.set(.retireQueue, 24 * 5, word64: fixture.writer.generation)
  },
  Damage("a retired item waits for the future", .retired) { fixture in
    let last = fixture.writer.byteCount(.retireQueue) - 24
    fixture.writer.set(.retireQueue, last, word64: fixture.writer.generation + 5)
  },
  Damage("a retired item is of no kind", .retired) { $0.writer.set(.retireQueue, 24 * 3 + 8, to: 200) },
  Damage("a retired item is of no table", .retired) { $0.writer.set(.retireQueue, 24 * 3 + 9, to: 3) },
  Damage("a retired record is a live one", .retired) { fixture in
    let item = try fixture.retired(0)
    fixture.writer.set(.retireQueue, item * 24 + 12, word32: UInt32(try fixture.linked().record))
  },
  Damage("a retired record never was", .retired) { fixture in
    fixture.writer.set(.retireQueue, try fixture.retired(0) * 24 + 12, word32: 1 << 30)
  },
  Damage("a record is retired twice", .accounting) { fixture in
    let (item, other) = (try fixture.retired(0), try fixture.retired(1))
    fixture.writer.set(.retireQueue, (item + 1) * 24 + 12, word32: UInt32(fixture.retiredRecord(item)))
    #expect(other > item + 1)
  },
]
