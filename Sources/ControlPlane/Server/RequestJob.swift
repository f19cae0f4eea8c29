import ControlProtocol

/// How far one request has come.
enum RequestJob {
  /// Records are applied in slices.
  case set(UpsertRequest, FrameFlags, BatchProgress)
  case delete(DeleteRequest, FrameFlags, BatchProgress)
  /// The next slice of a dump.
  case dump(DumpRequest)
  case status([ArraySlice<StatusItem>])
  case counters([ArraySlice<CounterItem>])
  /// The answer is known.
  case answer(Reply)
}

/// What a slice of a request led to.
enum RequestStep {
  /// More slices follow.
  case again
  /// The request ends with this reply.
  case reply(Reply)
  /// A frame of several.
  case page(Reply, more: Bool)
  /// The request ends with this reply once the grace period is over.
  case whenQuiesced(UInt64, Reply)
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

  /// Partial success is still a failure of the request; the counts say what was applied.
  var reply: Reply {
    if let failure = outcome.firstFailure { .failure(failure.code, outcome) } else { .outcome(outcome) }
  }
}
