import ControlProtocol
import FlowTable

// Owners, marks and digests follow the journal once it is published: what it has changed is taken out of the counts as it
// was before, and added as it is now.

extension Registry {
  /// What HELLO says of a table's content.
  public func contents(of table: TableNumber) -> (digest: UInt64, hasStale: Bool) { owners.contents(of: table) }

  /// A binding that the request says again and that is as it was: it may be another's now, or not stale any more, and its
  /// lifetime begins again.
  @inline(__always)
  func renew(_ slot: UInt32, _ entry: BindingEntry) {
    renew(.bindings, slot, entry.origin, lifetime: entry.lifetime)
  }

  /// The same of an entry of any table; a lifetime of 0 is none.
  @inline(__always)
  func renew(_ table: TableNumber, _ slot: UInt32, _ origin: EntryOrigin, lifetime: UInt32) {
    if lifetime != 0 || owners.renews(origin, table) { journal.renewed.append(.init(table: table, slot: slot)) }
  }

  /// A binding's share of the counts; called when the journal is published, before removed ones lose their slots.
  func countBindings() {
    let said = owners.origin(.bindings)
    let isSaidFresh = !owners.isStale(said, .bindings)
    var (fresh, digest) = (0, TableDigest())
    for note in journal.bindings {
      if let previous = journal.previous(note) { owners.remove(previous.origin, from: .bindings) }
      guard !note.isRemoved, let entry = bindings[note.slot] else { continue }
      var origin = entry.origin
      if origin.checksum == 0 {
        origin.checksum = TableRecord.binding(record(entry, now: 0)).checksum
        bindings[note.slot]?.origin = origin
      }
      if isSaidFresh, origin.account == said.account, origin.said == said.said {
        fresh += 1
        digest.add(origin.checksum)
      } else {
        owners.add(origin, to: .bindings)
      }
    }
    owners.add(fresh, digest, to: .bindings)
  }

  /// Only tunnels that a record set are anybody's.
  func countTunnel(_ note: Journal.Note<TunnelEntry>) {
    if let previous = note.previous, previous.isConfigured { owners.remove(previous.origin, from: .tunnels) }
    guard let entry = tunnels[note.slot], entry.isConfigured else { return }
    let checksum = entry.origin.checksum == 0 ? TableRecord.tunnel(record(entry)).checksum : entry.origin.checksum
    tunnels[note.slot]?.origin.checksum = checksum
    if let origin = tunnels[note.slot]?.origin { owners.add(origin, to: .tunnels) }
  }

  /// Visitors, routes and peers, before removed ones lose their slots.
  func countOthers() {
    for note in journal.visitors {
      if let previous = note.previous { owners.remove(previous.origin, from: .visitors) }
      guard !note.isRemoved, let entry = visitors[note.slot] else { continue }
      visitors[note.slot]?.origin.checksum = TableRecord.visitor(record(entry)).checksum
      if let origin = visitors[note.slot]?.origin { owners.add(origin, to: .visitors) }
    }
    for note in journal.routes {
      if let previous = note.previous { owners.remove(previous.origin, from: .routes) }
      guard !note.isRemoved, let entry = routes[note.slot] else { continue }
      routes[note.slot]?.origin.checksum = TableRecord.route(record(entry, now: 0)).checksum
      if let origin = routes[note.slot]?.origin { owners.add(origin, to: .routes) }
    }
    for note in journal.peers {
      if let previous = note.previous { owners.remove(previous.origin, from: .peers) }
      if !note.isRemoved, let origin = peers[note.slot]?.origin { owners.add(origin, to: .peers) }
    }
  }

  /// What was said again without a change: no packet's business, and so not noted one by one.
  func finishRenewals() {
    for renewal in journal.renewed {
      beginLifetime(renewal)
      guard let before = origin(renewal.table, renewal.slot), owners.renews(before, renewal.table) else { continue }
      let after = owners.origin(renewal.table, checksum: before.checksum)
      owners.remove(before, from: renewal.table)
      owners.add(after, to: renewal.table)
      switch renewal.table {
      case .bindings: bindings[renewal.slot]?.origin = after
      case .tunnels: tunnels[renewal.slot]?.origin = after
      case .routes: routes[renewal.slot]?.origin = after
      case .visitors: visitors[renewal.slot]?.origin = after
      case .peers: peers[renewal.slot]?.origin = after
      }
    }
  }

  /// No packet's business either, and later than the deadline that its heap knows.
  private func beginLifetime(_ renewal: Journal.Renewal) {
    switch renewal.table {
    case .bindings: bindings[renewal.slot]?.beginLifetime(at: journal.now)
    case .routes: routes[renewal.slot]?.beginLifetime(at: journal.now)
    case .tunnels, .visitors, .peers: break
    }
  }

  /// Nil for a slot without an entry that somebody set.
  func origin(_ table: TableNumber, _ slot: UInt32) -> EntryOrigin? {
    switch table {
    case .bindings: bindings[slot]?.origin
    case .tunnels: tunnels[slot].flatMap { $0.isConfigured ? $0.origin : nil }
    case .routes: routes[slot]?.origin
    case .visitors: visitors[slot]?.origin
    case .peers: peers[slot]?.origin
    }
  }
}
