import ControlProtocol

/// A mark and sweep of one owner's entries, from SYNC_BEGIN on.
public final class Synchronization {
  let account: UInt16
  public let scope: TableScope
  let session: UInt64
  /// By table: what was said before this number is swept.
  private let bounds: InlineArray<5, UInt64>
  /// Where the sweep goes on.
  var cookie: DumpCookie?
  /// Entries removed so far.
  public internal(set) var removed = 0

  init(account: UInt16, scope: TableScope, session: UInt64, bounds: InlineArray<5, UInt64>) {
    self.account = account
    self.scope = scope
    self.session = session
    self.bounds = bounds
  }

  /// Whether the sweep takes an entry: a synchronisation that has begun since makes no more of them stale for this one.
  func covers(_ origin: EntryOrigin, _ table: TableNumber) -> Bool {
    origin.account == account && origin.said < bounds[Int(table.rawValue) - 1]
  }
}
