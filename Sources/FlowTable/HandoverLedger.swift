import Synchronization

/// An account of the packets that are held for one mobile node: 1…65536.
@frozen
public struct HoldingID: Hashable, Sendable, BitwiseCopyable {
  public let rawValue: UInt32
  @inlinable
  public init(_ rawValue: UInt32) { self.rawValue = rawValue }
}

/// How many packets the workers hold for mobile nodes in handover: for each node, and in all.
///
/// The writer opens and closes accounts, one for all bindings of a mobile node (`Binding.holding`); workers take and give
/// (`accounts`). An account that was closed is opened for another only when nothing is held under it and every worker has
/// passed the change that removed it from the last binding.
public final class HandoverLedger: @unchecked Sendable {
  /// The most accounts at once.
  public static let accountLimit = 1 << 16

  /// What workers share. A trivial value, valid as long as the `FlowTable`.
  public let accounts: HandoverAccounts
  private let cells: Mapping
  private let quiescence: QuiescentStates
  /// The page that has the published generation.
  private let header: Mapping
  /// Kept for the words of `quiescence`.
  private let words: Mapping
  // The writer's thread only, from here on.
  private var neverOpened: UInt32 = 1
  private var free: [HoldingID] = []
  /// By account, from 1: whether it was opened and not closed.
  private var standing: [Bool] = [false]
  /// Closed accounts that a worker may still take from, oldest first, with the generation that they wait for.
  private var closed: [(generation: UInt64, id: HoldingID)] = []
  /// What `closed` was last gone through with: nothing more can be freed while all of it is the same.
  private var collected = Progress()

  private struct Progress: Equatable {
    var passed: UInt64 = 0
    var held = 0
    var closed = 0
  }

  /// - Parameters: the table's quiescent words and header.
  init(words: Mapping, header: Mapping, workers: Int) throws(FlowTableError) {
    cells = try Mapping(bytes: (Self.accountLimit + 1) * HandoverAccounts.stride)
    // The cells live as long as this object, which the table keeps; it keeps the other two.
    accounts = unsafe HandoverAccounts(cells: cells.base)
    quiescence = unsafe QuiescentStates(
      words: words.base, generation: header.base.word64(Header.generation), workers: workers)
    self.header = header
    self.words = words
  }

  /// Whether an account may have this number.
  static func isAccount(_ id: HoldingID) -> Bool { id.rawValue >= 1 && id.rawValue <= UInt32(accountLimit) }

  // MARK: The writer

  /// An account for a mobile node, empty; nil when all are in use.
  ///
  /// Those that were never open come before those that are closing: ten thousands may be, and to go through them for each
  /// of as many handovers would stop the writer for seconds.
  public func open() -> HoldingID? {
    if let id = free.popLast() { return stand(id) }
    if neverOpened <= UInt32(Self.accountLimit) {
      neverOpened += 1
      standing.append(true)
      return HoldingID(neverOpened - 1)
    }
    collect()
    return free.popLast().map(stand)
  }

  private func stand(_ id: HoldingID) -> HoldingID {
    standing[Int(id.rawValue)] = true
    return id
  }

  /// Ends an account that no binding names any more. What is still held under it counts until the workers give it back.
  public func close(_ id: HoldingID) {
    standing[Int(id.rawValue)] = false
    // Relaxed: the writer's own store.
    closed.append((unsafe header.base.word64(Header.generation).pointee.load(ordering: .relaxed), id))
  }

  /// Whether an account was opened and not closed: only such a one may a binding name.
  public func isOpen(_ id: HoldingID) -> Bool { Int(id.rawValue) < standing.count && standing[Int(id.rawValue)] }

  /// Packets held under an account now.
  public func held(_ id: HoldingID) -> Int { accounts.held(id) }

  /// Packets held now, under accounts and without.
  public var heldTotal: Int { accounts.heldTotal }

  /// Packets held now under all accounts together.
  public var heldUnderAccounts: Int { (1..<max(1, neverOpened)).reduce(0) { $0 + held(HoldingID($1)) } }

  /// Octets of the accounts that were ever open.
  var bytes: Int { neverOpened == 1 ? 0 : Int(neverOpened) * HandoverAccounts.stride }

  /// Accounts that were opened and not closed.
  public var openCount: Int { Int(neverOpened) - 1 - free.count - closed.count }

  private func collect() {
    let passed = quiescence.oldestReported()
    let heldBefore = heldTotal
    guard Progress(passed: passed, held: heldBefore, closed: closed.count) != collected else { return }
    closed.removeAll { entry in
      guard entry.generation <= passed, held(entry.id) == 0 else { return false }
      free.append(entry.id)
      return true
    }
    collected = Progress(passed: passed, held: heldBefore, closed: closed.count)
  }
}

/// The workers' side of a `HandoverLedger`: counters that all of them share, each on a cache line of its own.
@frozen
@safe
public struct HandoverAccounts: @unchecked Sendable, BitwiseCopyable {
  // Cells of the ledger's mapping, which outlives every worker. Identifiers come from the table's records only.
  @usableFromInline let cells: UnsafeMutableRawPointer

  @usableFromInline static let stride = 64

  init(cells: UnsafeMutableRawPointer) { unsafe self.cells = unsafe cells }

  /// Notes one packet more, unless that would be more than `perNode` under the account or more than `total` in all.
  ///
  /// - Parameter id: nil for a packet of no account, which counts in the total only.
  /// - Returns: whether it was noted. Never more than the limits are, over all workers.
  public func take(_ id: HoldingID?, perNode: Int, total: Int) -> Bool {
    guard let id else { return unsafe Self.add(cells.word32(0), below: total) }
    let cell = unsafe cells.word32(Int(id.rawValue) &* Self.stride)
    guard unsafe Self.add(cell, below: perNode) else { return false }
    if unsafe Self.add(cells.word32(0), below: total) { return true }
    _ = unsafe cell.pointee.subtract(1, ordering: .relaxed)
    return false
  }

  /// Takes back what `take` noted for one packet.
  public func give(_ id: HoldingID?) {
    // Relaxed: counts only. Release for the account, so that who reads 0 with acquire finds the packet's end before it.
    _ = unsafe cells.word32(0).pointee.subtract(1, ordering: .relaxed)
    guard let id else { return }
    _ = unsafe cells.word32(Int(id.rawValue) &* Self.stride).pointee.subtract(1, ordering: .releasing)
  }

  /// Packets held under an account now.
  public func held(_ id: HoldingID) -> Int {
    Int(unsafe cells.word32(Int(id.rawValue) &* Self.stride).pointee.load(ordering: .acquiring))
  }

  /// Packets held now, under accounts and without: the first cell's, which is no account's.
  public var heldTotal: Int { Int(unsafe cells.word32(0).pointee.load(ordering: .acquiring)) }

  /// Compare and exchange instead of add and look: two workers that overshoot together would both be refused.
  @inline(__always)
  private static func add(_ cell: UnsafeMutablePointer<Atomic<UInt32>>, below limit: Int) -> Bool {
    var count = unsafe cell.pointee.load(ordering: .relaxed)
    while Int(count) < limit {
      let (exchanged, original) = unsafe cell.pointee.weakCompareExchange(
        expected: count, desired: count &+ 1, ordering: .relaxed)
      if exchanged { return true }
      count = original
    }
    return false
  }
}
