import ControlProtocol

/// The owners of entries: how many entries each has, how many of them are stale, and each table's digest.
///
/// Beginning a synchronisation makes all of an owner's entries stale by one number; nothing is walked through. The counts
/// follow every change, so that the end of one and HELLO only look.
final class Owners {
  private struct Account {
    var owner: UInt32
    /// These only grow, also when the account becomes another owner's: an entry said now is never older than a
    /// synchronisation of before.
    var synchronizations = InlineArray<5, UInt64>(repeating: 0)
    var entries = InlineArray<5, Int>(repeating: 0)
    var stale = InlineArray<5, Int>(repeating: 0)
    /// Entries of all tables.
    var total = 0
    /// The one that is open; 0: none.
    var session: UInt64 = 0
    /// Among `idle`.
    var isIdle = false

    var isUsed: Bool { total > 0 || session != 0 }
  }

  /// Owners with entries or an open synchronisation at a time.
  static let limit = 1 << 16

  /// Account 0 is the command line's, always.
  private var accounts = [Account(owner: 0)]
  private var numbers: [UInt32: UInt16] = [0: 0]
  /// Accounts that were unused when they came here: the next new owner takes the last one that still is.
  private var idle: [UInt16] = []
  private var digests = InlineArray<5, TableDigest>(repeating: TableDigest())
  private var staleEntries = InlineArray<5, Int>(repeating: 0)
  private var lastSession: UInt64 = 0

  /// Account of whoever makes the request that is under way.
  private(set) var current: UInt16 = 0
  /// What the request says is stale already: it comes from a snapshot.
  private var saysStale = false

  private static func index(_ table: TableNumber) -> Int { Int(table.rawValue) - 1 }

  // MARK: Requests

  /// A request of this owner begins.
  /// - Parameter stale: its entries count as not said yet.
  /// - Throws: `full` when there are as many owners as there may be.
  func begin(_ owner: UInt32, stale: Bool = false) throws(RecordRefusal) {
    if accounts[Int(current)].owner != owner { current = try account(of: owner) }
    saysStale = stale
    guard stale else { return }
    for table in TableNumber.allCases where accounts[Int(current)].synchronizations[Self.index(table)] == 0 {
      // There is no number before 0: as if a synchronisation had begun, before anything was said.
      markAll(current, table)
    }
  }

  private func account(of owner: UInt32) throws(RecordRefusal) -> UInt16 {
    if let number = numbers[owner] { return number }
    let number = try unusedAccount()
    let earlier = accounts[Int(number)].owner
    if numbers[earlier] == number { numbers[earlier] = nil }
    numbers[owner] = number
    accounts[Int(number)].owner = owner
    // Until it has an entry the next owner may have it.
    noteIdle(number)
    return number
  }

  private func unusedAccount() throws(RecordRefusal) -> UInt16 {
    while let number = idle.popLast() {
      accounts[Int(number)].isIdle = false
      if !accounts[Int(number)].isUsed { return number }
    }
    guard accounts.count < Self.limit else {
      throw RecordRefusal(
        code: .full, field: "owner", rule: "\(Self.limit) owners have entries, as many as there may be: use one of them"
      )
    }
    accounts.append(Account(owner: 0))
    return UInt16(accounts.count - 1)
  }

  private func noteIdle(_ number: UInt16) {
    guard number != 0, !accounts[Int(number)].isUsed, !accounts[Int(number)].isIdle else { return }
    accounts[Int(number)].isIdle = true
    idle.append(number)
  }

  /// The origin of an entry that the request says.
  @inline(__always)
  func origin(_ table: TableNumber, checksum: UInt32 = 0) -> EntryOrigin {
    let said = accounts[Int(current)].synchronizations[Self.index(table)]
    return EntryOrigin(account: current, said: saysStale ? said - 1 : said, checksum: checksum)
  }

  /// The owner's number, as in HELLO.
  func owner(_ origin: EntryOrigin) -> UInt32 { accounts[Int(origin.account)].owner }

  @inline(__always)
  func isStale(_ origin: EntryOrigin, _ table: TableNumber) -> Bool {
    origin.said < accounts[Int(origin.account)].synchronizations[Self.index(table)]
  }

  /// Whether saying an entry again, unchanged, changes whose it is or takes a mark away.
  @inline(__always)
  func renews(_ origin: EntryOrigin, _ table: TableNumber) -> Bool {
    origin.account != current || isStale(origin, table)
  }

  // MARK: Counts

  func add(_ origin: EntryOrigin, to table: TableNumber) {
    let index = Self.index(table)
    accounts[Int(origin.account)].entries[index] += 1
    accounts[Int(origin.account)].total += 1
    if isStale(origin, table) {
      accounts[Int(origin.account)].stale[index] += 1
      staleEntries[index] += 1
    }
    digests[index].add(origin.checksum)
  }

  /// Adds entries that the request under way has said, all at once: one by one they were a tenth of a bulk load.
  func add(_ count: Int, _ digest: TableDigest, to table: TableNumber) {
    accounts[Int(current)].entries[Self.index(table)] += count
    accounts[Int(current)].total += count
    digests[Self.index(table)].add(digest)
  }

  func remove(_ origin: EntryOrigin, from table: TableNumber) {
    let index = Self.index(table)
    accounts[Int(origin.account)].entries[index] -= 1
    accounts[Int(origin.account)].total -= 1
    if isStale(origin, table) {
      accounts[Int(origin.account)].stale[index] -= 1
      staleEntries[index] -= 1
    }
    digests[index].remove(origin.checksum)
    if accounts[Int(origin.account)].total == 0 { noteIdle(origin.account) }
  }

  /// The digest of a table, and whether stale entries are in it.
  func contents(of table: TableNumber) -> (digest: UInt64, hasStale: Bool) {
    (digests[Self.index(table)].value, staleEntries[Self.index(table)] > 0)
  }

  // MARK: Synchronisations

  /// All entries of the owner in these tables are stale from now on.
  /// - Returns: the synchronisation, which is open until the owner begins another one.
  /// - Throws: `full` when there are as many owners as there may be.
  func beginSynchronization(of owner: UInt32, _ scope: TableScope) throws(RecordRefusal) -> Synchronization {
    let number = try account(of: owner)
    var bounds = InlineArray<5, UInt64>(repeating: 0)
    for table in TableNumber.allCases where scope.contains(table) {
      markAll(number, table)
      bounds[Self.index(table)] = accounts[Int(number)].synchronizations[Self.index(table)]
    }
    lastSession += 1
    accounts[Int(number)].session = lastSession
    return Synchronization(account: number, scope: scope, session: lastSession, bounds: bounds)
  }

  private func markAll(_ number: UInt16, _ table: TableNumber) {
    let index = Self.index(table)
    staleEntries[index] += accounts[Int(number)].entries[index] - accounts[Int(number)].stale[index]
    accounts[Int(number)].stale[index] = accounts[Int(number)].entries[index]
    accounts[Int(number)].synchronizations[index] += 1
  }

  func isOpen(_ synchronization: Synchronization) -> Bool {
    accounts[Int(synchronization.account)].session == synchronization.session
  }

  /// It is over, swept or not: only its owner's next one matters now.
  func close(_ synchronization: Synchronization) {
    guard isOpen(synchronization) else { return }
    accounts[Int(synchronization.account)].session = 0
    noteIdle(synchronization.account)
  }

  /// Entries that the owner has said since it began and that are there, and those that were not said.
  func count(_ synchronization: Synchronization) -> (said: Int, stale: Int) {
    let account = accounts[Int(synchronization.account)]
    var total = (said: 0, stale: 0)
    for table in TableNumber.allCases where synchronization.scope.contains(table) {
      let stale = account.stale[Self.index(table)]
      total.stale += stale
      total.said += account.entries[Self.index(table)] - stale
    }
    return total
  }
}
