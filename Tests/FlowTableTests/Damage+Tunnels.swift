import FlowTable

/// Damages to tunnels and next hops.
let tunnelDamages: [Damage] = [
  Damage("a tunnel's slot names another's record", .identifiers) { fixture in
    let (one, other) = (fixture.fixture.tunnels[0], fixture.fixture.tunnels[1])
    let record = fixture.writer.word32(.tunnelSlots, Int(other.rawValue) * 4)
    fixture.writer.set(.tunnelSlots, Int(one.rawValue) * 4, word32: record)
  },
  Damage("a tunnel's slot is empty", .identifiers) { fixture in
    fixture.writer.set(.tunnelSlots, Int(fixture.fixture.tunnels[0].rawValue) * 4, word32: 0)
  },
  Damage("an ended tunnel's slot is cleared too early", .identifiers) { fixture in
    fixture.writer.set(.tunnelSlots, Int(fixture.fixture.tunnels[6].rawValue) * 4, word32: 0)
  },
  Damage("a tunnel's slot is set that has none", .identifiers) { fixture in
    fixture.writer.set(.tunnelSlots, Int(fixture.fixture.tunnels[7].rawValue) * 4, word32: 1)
  },
  Damage("slot 0 of the tunnels names a record", .identifiers) { $0.writer.set(.tunnelSlots, 0, word32: 1) },
  Damage("a tunnel's record says another identifier", .identifiers) { fixture in
    let record = Int(fixture.writer.word32(.tunnelSlots, Int(fixture.fixture.tunnels[0].rawValue) * 4))
    fixture.writer.set(.tunnelRecords, record * 128 + 32, word32: fixture.fixture.tunnels[1].rawValue)
  },
  Damage("a tunnel's end changes", .tag) { fixture in
    let record = Int(fixture.writer.word32(.tunnelSlots, Int(fixture.fixture.tunnels[0].rawValue) * 4))
    fixture.writer.set(.tunnelRecords, record * 128 + 24, to: 0x55)
  },
  Damage("a tunnel names a next hop that never was", .target) { fixture in
    let record = Int(fixture.writer.word32(.tunnelSlots, Int(fixture.fixture.tunnels[0].rawValue) * 4))
    fixture.writer.set(.tunnelRecords, record * 128 + 36, word32: 1000)
  },
  Damage("a tunnel names a next hop that ended", .target) { fixture in
    let record = Int(fixture.writer.word32(.tunnelSlots, Int(fixture.fixture.tunnels[0].rawValue) * 4))
    fixture.writer.set(.tunnelRecords, record * 128 + 36, word32: 7)
  },
  Damage("a tunnel is not in the index", .counts) { fixture in
    let bytes = fixture.writer.byteCount(.tunnelIndex)
    let bucket = try Damage.need((0..<bytes / 64).first { fixture.writer.tag(.tunnelIndex, $0, 0) != 0 })
    fixture.writer.setTag(.tunnelIndex, bucket, 0, 0)
  },
  Damage("the tunnel index names a record that never was", .slotNamesRecord) { fixture in
    let bytes = fixture.writer.byteCount(.tunnelIndex)
    let bucket = try Damage.need((0..<bytes / 64).first { fixture.writer.tag(.tunnelIndex, $0, 0) != 0 })
    fixture.writer.set(.tunnelIndex, bucket * 64 + 24, word32: 5000)
  },
  Damage("a next hop's slot is empty", .identifiers) { fixture in
    fixture.writer.set(.nextHopSlots, Int(fixture.fixture.nextHop.rawValue) * 4, word32: 0)
  },
  Damage("two next hops have one record", .accounting) { fixture in
    let hop = Int(fixture.fixture.nextHop.rawValue)
    let other = fixture.writer.word32(.nextHopSlots, (hop + 1) * 4)
    fixture.writer.set(.nextHopSlots, hop * 4, word32: other)
  },
  Damage("slot 0 of the next hops names a record", .identifiers) { $0.writer.set(.nextHopSlots, 0, word32: 1) },
  Damage("a next hop is of no kind", .identifiers) { fixture in
    let record = Int(fixture.writer.word32(.nextHopSlots, Int(fixture.fixture.nextHop.rawValue) * 4))
    fixture.writer.set(.nextHopRecords, record * 32 + 19, to: 4)
  },
]
