import ControlProtocol
import FlowTable

// Transactions: records go aside frame by frame, and become the content of the tables with one COMMIT. At most two in the
// daemon, since each keeps all its records in memory; as many records as the tables take, and no more memory for both than
// `Limits.octetsAside`.

extension RequestResponder {
  private static let transactionLimit = 2

  func beginTransaction(_ scope: TableScope, _ flags: FrameFlags, _ session: ClientSession) -> Reply {
    guard flags.contains(.replace) else {
      return Self.refusal(.unsupported, "flags", "a transaction without flag REPLACE is not served by this version")
    }
    guard session.replacement == nil else {
      return Self.refusal(.conflict, "frame", "a transaction is open on this connection: commit or abort it")
    }
    guard session.synchronization.map(core.registry.isOpen) != true else {
      return Self.refusal(
        .conflict, "frame", "a synchronisation is open on this connection: end it, or use another one")
    }
    guard transactions.count < Self.transactionLimit else {
      return Self.refusal(.unavailable, "frame", "\(Self.transactionLimit) transactions are open: try again")
    }
    session.replacement = Replacement(scope)
    transactions.insert(session.connection.id)
    return .outcome(Outcome(generation: core.registry.generation))
  }

  func abortTransaction(_ session: ClientSession) -> Reply {
    guard endTransaction(session) != nil else { return Self.noTransaction }
    return .outcome(Outcome(generation: core.registry.generation))
  }

  /// One step of the writer, whatever the size: packets see the old content or the new one.
  func commitTransaction(_ commit: TransactionCommit, _ session: ClientSession) -> Reply {
    guard let replacement = endTransaction(session) else { return Self.noTransaction }
    guard commit.count == UInt64(replacement.count) else {
      return Self.refusal(.conflict, "count", "\(replacement.count) records were received, not \(commit.count)")
    }
    guard commit.checksum == replacement.checksum.value else {
      return Self.refusal(
        .conflict, "checksum", "the records received have another CRC-32: something was lost or changed")
    }
    let outcome = core.registry.replace(replacement, owner: session.owner, now: core.clock())
    core.lookSooner()
    if let failure = outcome.firstFailure { return .failure(failure.code, outcome) }
    return .outcome(outcome)
  }

  /// The connection is gone, and with it what it had begun.
  func forget(_ session: ClientSession) {
    _ = endTransaction(session)
    if let synchronization = session.synchronization { core.registry.close(synchronization) }
    session.synchronization = nil
  }

  /// Whatever becomes of its records: none of them is aside any more.
  func endTransaction(_ session: ClientSession) -> Replacement? {
    defer { session.replacement = nil }
    transactions.remove(session.connection.id)
    octetsAside -= session.replacement?.octets ?? 0
    return session.replacement
  }

  private static var noTransaction: Reply { refusal(.conflict, "frame", "no transaction is open on this connection") }

  /// Takes one slice of a frame of a transaction: all of its records are checked before any goes aside.
  func setAside(
    _ request: UpsertRequest, _ sum: RecordSum, _ position: Int, _ replacement: Replacement
  ) -> (reply: Reply?, position: Int) {
    let limit = capacities.bindings + capacities.tunnels
    guard replacement.count + request.count <= limit else {
      let rule = "a transaction takes \(limit) records, as many as there may be bindings and tunnels"
      return (Self.refusal(.full, "table", rule), position)
    }
    let octets = Replacement.octets(of: request)
    guard octetsAside + octets <= limits.octetsAside else {
      let rule = """
        the records of all open transactions take \(octetsAside) octets, and \(limits.octetsAside) are the most: \
        abort and synchronise instead (SYNC_BEGIN), or wait for the other transaction
        """
      return (Self.refusal(.full, "frame", rule), position)
    }
    let end = min(position + Self.checkedRecords, request.count)
    let outcome = core.registry.check(request, position..<end, for: replacement)
    if let failure = outcome.firstFailure { return (.failure(failure.code, outcome), end) }
    guard end == request.count else { return (nil, end) }
    replacement.add(request, (sum.checksum, sum.octets))
    octetsAside += octets
    return (.outcome(Outcome(applied: UInt32(request.count), generation: core.registry.generation)), end)
  }

  /// Records checked in a slice: half a millisecond.
  private static let checkedRecords = 1024
}

// Synchronisations: everything said goes the usual way; only their begin and end are something of their own.

extension RequestResponder {
  func beginSynchronization(_ scope: TableScope, _ session: ClientSession) -> Reply {
    guard session.replacement == nil else {
      return Self.refusal(.conflict, "frame", "a transaction is open on this connection: commit or abort it")
    }
    do throws(RecordRefusal) {
      session.synchronization = try core.registry.beginSynchronization(of: session.owner, scope)
    } catch {
      return Self.refusal(error.code, error.field, error.rule)
    }
    return .outcome(Outcome(generation: core.registry.generation))
  }

  /// The sweep that SYNC_END asks for, or its refusal.
  func endSynchronization(_ request: SyncEndRequest, _ session: ClientSession) -> RequestJob {
    guard let synchronization = session.synchronization, core.registry.isOpen(synchronization) else {
      return .answer(
        Self.refusal(.conflict, "frame", "no synchronisation is open here: SYNC_BEGIN, or the owner has begun another"))
    }
    let said = core.registry.saidCount(synchronization)
    guard request.count == UInt64(said) else {
      return .answer(
        Self.refusal(
          .conflict, "count", "\(said) entries were said and are there, not \(request.count): nothing is swept"))
    }
    return .sweep(synchronization)
  }

  /// One slice of a sweep; nil: more follow.
  func sweep(_ synchronization: Synchronization, _ session: ClientSession) -> Reply? {
    switch core.registry.sweep(synchronization) {
    case .again: return nil
    case .heldUp:
      var outcome = Outcome(removed: UInt32(clamping: synchronization.removed), generation: core.registry.generation)
      outcome.firstFailure = .init(
        index: nil, code: .unavailable, field: "frame", rule: "a worker does not move: send SYNC_END again when it does"
      )
      return .failure(.unavailable, outcome)
    case .finished:
      core.registry.close(synchronization)
      if synchronization.removed > 0 {
        core.hub.publish(
          .bulk, by: session.owner, .bulk(.swept, owner: session.owner, count: synchronization.removed))
      }
      if session.synchronization === synchronization { session.synchronization = nil }
      return .outcome(
        Outcome(removed: UInt32(clamping: synchronization.removed), generation: core.registry.generation))
    }
  }
}
