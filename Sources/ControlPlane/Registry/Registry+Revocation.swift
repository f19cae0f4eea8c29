import ControlProtocol
import FlowTable

/// A bulk revocation under way (RFC 5846): every binding whose tunnel had this remote when it began.
public final class Revocation {
  let remote: IPAddress
  /// Nil: both caches.
  let table: BindingTable?
  /// Of the request that began it; bindings set later, to whatever values, stay.
  let number: UInt64
  /// The next binding to look at.
  var position: UInt32 = 0
  /// Bindings removed so far.
  public internal(set) var removed = 0
  public internal(set) var isFinished = false

  init(remote: IPAddress, table: BindingTable?, number: UInt64) {
    self.remote = remote
    self.table = table
    self.number = number
  }
}

// A hundred thousand bindings are not removed in one step: a handover of another peer's mobile node must not wait for
// them. The first step marks the tunnels, so that from then on nothing is forwarded by any of the bindings that it is
// about; then they go in slices, and other requests come in between.

extension Registry {
  /// Bindings removed at a time: about a millisecond.
  public static let revocationSlice = 2048
  /// Revocations at a time: one for each connection that can ask for one.
  private static let revocationLimit = 64
  /// Bindings looked at in a slice, for each that it may remove.
  private static let scanFactor = 16

  func stageRevocation(of remote: IPAddress, _ table: BindingTable?) throws(RecordRefusal) {
    let slots = tunnelSlots(to: remote)
    guard !slots.isEmpty else { return }
    guard revocations.count < Self.revocationLimit else {
      throw RecordRefusal(
        code: .unavailable, field: "remote", rule: "\(Self.revocationLimit) bulk revocations are under way: try again")
    }
    let revocation = Revocation(remote: remote, table: table, number: journal.number)
    journal.revocations.append(revocation)
    revocations.append(revocation)
    for slot in slots { noteTunnel(slot) }
  }

  /// Removes bindings of the oldest revocation.
  ///
  /// - Parameter limit: bindings at most.
  /// - Returns: whether it came any further; if not, a worker holds up the table, and the next tick tries again.
  @discardableResult
  public func continueRevocations(limit: Int) -> Bool {
    guard let revocation = revocations.first else { return false }
    journal.begin()
    var position = revocation.position
    var seen = 0
    while journal.bindings.count < limit, seen < limit * Self.scanFactor,
      let (slot, entry) = bindings.next(from: position)
    {
      position = slot + 1
      seen += 1
      if covers(revocation, entry) { removeBinding(slot, entry) }
    }
    let removed = journal.bindings.count
    do throws(RecordRefusal) {
      try publishJournal()
    } catch {
      undoJournal()
      return false
    }
    revocation.position = position
    revocation.removed += removed
    if bindings.next(from: position) == nil { finish(revocation) }
    return true
  }

  /// Tables whose bindings with this remote are being revoked.
  func revokedTables(_ remote: IPAddress) -> [BindingTable] {
    guard !revocations.isEmpty else { return [] }
    return tablesInUse.filter { table in
      revocations.contains { $0.remote == remote && ($0.table ?? table) == table }
    }
  }

  /// A gateway has proxy bindings only.
  var tablesInUse: [BindingTable] { configuration.role == .localMobilityAnchor ? [.proxy, .mobile] : [.proxy] }

  private func covers(_ revocation: Revocation, _ entry: BindingEntry) -> Bool {
    entry.touched <= revocation.number && tunnels[entry.tunnel]?.endpoints.remote == revocation.remote
      && (revocation.table == nil || entry.packedKey.table == revocation.table)
  }

  /// What still uses the peer's tunnels, or was set meanwhile, is forwarded again.
  private func finish(_ revocation: Revocation) {
    revocations.removeAll { $0 === revocation }
    revocation.isFinished = true
    for slot in tunnelSlots(to: revocation.remote) { publishSettings(slot) }
  }

  func undoRevocations() { revocations.removeLast(journal.revocations.count) }
}
