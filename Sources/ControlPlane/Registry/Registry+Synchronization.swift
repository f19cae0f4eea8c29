import ControlProtocol
import FlowTable

// Mark and sweep of one owner's entries. The marks cost nothing to set (`Owners`); the sweep goes through the tables in
// slices, and other requests come in between. It takes what the owner had not said by the time the sweep began; whatever
// is said during it stays.

extension Registry {
  /// Entries removed in one slice of a sweep.
  public static let sweepSlice = 512
  /// Entries looked at in a slice, for each that it may remove.
  private static let sweepScanFactor = 16
  /// Bindings before tunnels: none forwards by a tunnel that has lost its settings before it.
  static let sweepOrder: [TableNumber] = [.routes, .bindings, .visitors, .peers, .tunnels]

  /// Makes all of an owner's entries in these tables stale. An earlier one of the same owner is over.
  /// - Throws: `full` when there are as many owners as there may be.
  public func beginSynchronization(
    of owner: UInt32, _ scope: TableScope
  ) throws(RecordRefusal) -> Synchronization {
    try owners.beginSynchronization(of: owner, scope)
  }

  /// Whether no other synchronisation of the owner has begun since, and this one was not ended.
  public func isOpen(_ synchronization: Synchronization) -> Bool { owners.isOpen(synchronization) }

  /// How many entries the owner has said since it began, which are there; what SYNC_END must say.
  public func saidCount(_ synchronization: Synchronization) -> Int { owners.count(synchronization).said }

  /// The synchronisation is over; marks that are left stay until the owner's next one.
  public func close(_ synchronization: Synchronization) { owners.close(synchronization) }

  /// What became of a slice of a sweep.
  public enum SweepStep: Sendable {
    case again
    case finished
    /// A worker holds up the table: try again.
    case heldUp
  }

  /// Removes stale entries of a synchronisation whose count matched, `sweepSlice` of them at most.
  public func sweep(_ synchronization: Synchronization) -> SweepStep {
    if owners.count(synchronization).stale == 0 { return .finished }
    var cookie = synchronization.cookie ?? DumpCookie(table: Self.sweepOrder[0], slot: 0)
    journal.begin()
    var removed = 0
    var looked = 0
    var isLast = false
    while removed < Self.sweepSlice, looked < Self.sweepSlice * Self.sweepScanFactor {
      guard let slot = nextSlot(cookie) else {
        guard let next = Self.sweepOrder.drop(while: { $0 != cookie.table }).dropFirst().first else {
          isLast = true
          break
        }
        cookie = DumpCookie(table: next, slot: 0)
        continue
      }
      looked += 1
      cookie.slot = slot + 1
      if synchronization.scope.contains(cookie.table), let origin = origin(cookie.table, slot),
        synchronization.covers(origin, cookie.table)
      {
        removeEntry(cookie.table, slot)
        removed += 1
      }
    }
    do throws(RecordRefusal) {
      try publishJournal()
    } catch {
      undoJournal()
      return .heldUp
    }
    synchronization.removed += removed
    synchronization.cookie = cookie
    return isLast ? .finished : .again
  }

  func nextSlot(_ cookie: DumpCookie) -> UInt32? {
    switch cookie.table {
    case .bindings: bindings.next(from: cookie.slot)?.slot
    case .tunnels: tunnels.next(from: cookie.slot)?.slot
    case .routes: routes.next(from: cookie.slot)?.slot
    case .visitors: visitors.next(from: cookie.slot)?.slot
    case .peers: peers.next(from: cookie.slot)?.slot
    }
  }

  /// Takes an entry that somebody set out of the registry, with a note of it. Of a tunnel its settings go: it is one that
  /// exists by itself, as long as something names it.
  func removeEntry(_ table: TableNumber, _ slot: UInt32) {
    switch table {
    case .bindings: if let entry = bindings[slot] { removeBinding(slot, entry) }
    case .routes: if let entry = routes[slot] { removeRoute(slot, entry) }
    case .visitors: if let entry = visitors[slot] { removeVisitor(slot, entry) }
    case .peers: if let entry = peers[slot] { removePeer(slot, entry) }
    case .tunnels:
      noteTunnel(slot)
      tunnels[slot]?.choices = TunnelChoices()
      tunnels[slot]?.isStatic = false
      tunnels[slot]?.isConfigured = false
    }
  }
}
