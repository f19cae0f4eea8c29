import FlowTable

/// Where the first block of the fixture is.
private let block = 199 * 128

/// Damages to blocks of localized routes and to who names them. The first block of the fixture is at unit 199, in the
/// second chunk of 192, and has 7 routes and two bindings; two blocks of its size are free before it.
let localizedDamages: [Damage] = [
  Damage("a block says it has a route more", .localizedRoutes) { $0.writer.set(.localizedRoutes, block, word64: 8) },
  Damage("a block's routes are not in order", .localizedRoutes) { fixture in
    // The last but one of seven, a /64 among others: as long as a host.
    fixture.writer.set(.localizedRoutes, block + 16 + 5 * 24 + 20, to: 128)
  },
  Damage("a localized route is no prefix", .localizedRoutes) { fixture in
    fixture.writer.set(.localizedRoutes, block + 16 + 8, word64: 1)
  },
  Damage("a localized route is of no length", .localizedRoutes) { fixture in
    fixture.writer.set(.localizedRoutes, block + 16 + 20, to: 200)
  },
  Damage("a localized route names a tunnel that never was", .target) { fixture in
    fixture.writer.set(.localizedRoutes, block + 16 + 16, word32: 60)
  },
  Damage("a localized route names another tunnel", .tunnelUsers) { fixture in
    fixture.writer.set(.localizedRoutes, block + 16 + 16, word32: fixture.fixture.tunnels[0].rawValue)
  },
  Damage("a binding names no block", .localizedRoutes) { fixture in
    let record = try Damage.need(fixture.writer.recordNumber(AuditFixture.prefix(300)))
    fixture.record(record, 56, word32: 0)
  },
  Damage("a binding names a block that is none", .target) { fixture in
    let record = try Damage.need(fixture.writer.recordNumber(AuditFixture.prefix(300)))
    fixture.record(record, 56, word32: 66)
  },
  Damage("a binding names an account that was never opened", .account) { fixture in
    let record = try Damage.need(fixture.writer.recordNumber(AuditFixture.prefix(300)))
    fixture.record(record, 52, word32: 7)
  },
  Damage("a free block names one in use", .accounting) { fixture in
    // Its first word is the next one of its size.
    fixture.writer.set(.localizedRoutes, 195 * 128, word32: 199)
  },
  Damage("a visitor's prefix has a tunnel", .target) { fixture in
    let record = try fixture.linked().record
    fixture.writer.set(.bindingRecords, record * 64 + 49, to: 64)
  },
]
