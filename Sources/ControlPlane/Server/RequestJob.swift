import ControlProtocol

/// How far one request has come.
enum RequestJob {
  /// Records are applied in slices.
  case set(UpsertRequest, FrameFlags, BatchProgress)
  /// With the bulk revocations that its last slice has begun and that are still under way.
  case delete(DeleteRequest, FrameFlags, BatchProgress, [Revocation])
  /// The next slice of a dump.
  case dump(DumpRequest)
  /// The forwarding table is audited before a STATUS is answered, until the given time of the clock at the latest.
  case audit(deadline: UInt64)
  case status([ArraySlice<StatusItem>])
  case counters(CounterPages)
  /// STATS, for the connection with this number.
  case statistics(UInt64)
  /// BARRIER: answered when nothing older than now is in use.
  case barrier
  /// An UPSERT of a transaction: records go aside, from this one on.
  case setAside(UpsertRequest, RecordSum, position: Int, Replacement)
  case commit(TransactionCommit)
  /// SYNC_END, whose count matched.
  case sweep(Synchronization)
  /// The answer is known.
  case answer(Reply)

  /// Whether it goes on when its client has gone: half a sweep would be neither what was there nor what was said, and
  /// subscribers are told what a bulk revocation has removed when all of it has gone.
  var outlivesClient: Bool {
    switch self {
    case .sweep: true
    case .delete(_, _, _, let revocations): !revocations.isEmpty
    default: false
    }
  }
}

/// What a slice of a request led to.
enum RequestStep {
  /// More slices follow.
  case again
  /// The request ends with this reply.
  case reply(Reply)
  /// The request ends with this reply and the area's descriptor.
  case share(Reply, StatisticsArea)
  /// A frame of several.
  case page(Reply, more: Bool)
  /// The request ends with this reply once the grace period is over.
  case whenQuiesced(UInt64, Reply)

  /// Nothing more is to be executed.
  var ends: Bool { if case .again = self { false } else { true } }
}

/// The outcome of the slices so far.
struct BatchProgress {
  var position = 0
  var outcome = Outcome()

  /// Adds the outcome of the records from `position` on.
  mutating func add(_ slice: Outcome, count: Int) {
    outcome.applied += slice.applied
    outcome.unchanged += slice.unchanged
    outcome.failed += slice.failed
    outcome.generation = slice.generation
    if outcome.firstFailure == nil, var failure = slice.firstFailure {
      // A slice refused as a whole is named by its first record.
      failure.index = position + (failure.index ?? 0)
      outcome.firstFailure = failure
    }
    position += count
  }

  /// One slice of the bulk revocations; they are counted and forgotten when all have ended, or a worker holds them up.
  mutating func advance(
    _ revocations: inout [Revocation], in registry: Registry, _ hub: EventHub, by owner: UInt32
  ) {
    // Told as one number at the end.
    registry.changeLog = nil
    let isUnderWay = revocations.contains { !$0.isFinished }
    if isUnderWay, registry.continueRevocations(limit: Registry.revocationSlice) { return }
    outcome.add(revocations)
    for revocation in revocations where revocation.removed > 0 {
      hub.publish(.bulk, by: owner, .bulk(.revoked, owner: owner, count: revocation.removed))
    }
    outcome.generation = registry.generation
    revocations = []
  }

  /// Partial success is still a failure of the request; the counts say what was applied.
  var reply: Reply {
    if let failure = outcome.firstFailure { .failure(failure.code, outcome) } else { .outcome(outcome) }
  }
}
