import ControlProtocol
import FlowTable
import NIOCore

/// Turns requests into steps on the registry. Confined to the writer's loop.
final class RequestResponder {
  /// Records of a dump's slice: 400 kB at most.
  private static let dumpRecords = 2048
  /// Records of a slice of an UPSERT or DELETE, for which an update on another connection may wait: a quarter of a
  /// millisecond for bindings without anything rare, half of one for others, twice that while the forwarding table grows.
  private static let sliceRecords = 256
  /// Items of a STATUS or COUNTERS frame: far below the smallest payload limit at 300 octets each.
  private static let pageItems = 2048
  /// How long a STATUS waits for the audit of the forwarding table; then it tells of the one before.
  private static let auditTime: UInt64 = 1_000_000_000

  let core: WriterCore
  let configuration: DaemonConfiguration
  let source: any StatusSource
  let statistics: StatisticsPublisher
  let identity: ServiceIdentity
  let limits: Limits
  /// Connections with an open transaction.
  var transactions: Set<UInt64> = []
  /// Memory of their records.
  var octetsAside = 0

  var capacities: FlowTableLimits { core.capacities }

  init(
    core: WriterCore, configuration: DaemonConfiguration, source: any StatusSource, identity: ServiceIdentity,
    limits: Limits
  ) {
    self.core = core
    self.configuration = configuration
    self.source = source
    statistics = StatisticsPublisher(source: source, loop: core.loop, clock: core.clock)
    self.identity = identity
    self.limits = limits
  }

  /// What a frame asks for, or its refusal.
  func job(for frame: IncomingFrame, _ session: ClientSession) -> RequestJob {
    // Whatever else is wrong with it.
    guard session.hasGreeted || frame.type == MessageType.hello.rawValue else {
      return .answer(Self.refusal(.helloRequired, "frame", "the first frame must be HELLO"))
    }
    switch frame.content {
    case .failure(let error):
      // A transaction is over with its TXN_COMMIT, whatever is wrong with that.
      if frame.type == MessageType.transactionCommit.rawValue { _ = endTransaction(session) }
      return .answer(.failure(error.status, error.outcome))
    case .success(let request):
      if let refusal = refusal(of: request, session) { return .answer(refusal) }
      return job(for: request, frame, session)
    }
  }

  private func refusal(of request: Request, _ session: ClientSession) -> Reply? {
    if case .hello(let hello) = request {
      guard hello.major == Limits.majorVersion else {
        return Self.refusal(
          .versionMismatch, "major", "version \(hello.major) is not \(Limits.majorVersion), which this daemon speaks")
      }
      guard session.greet(owner: hello.owner) else {
        return Self.refusal(.conflict, "owner", "this connection is owner \(session.owner)'s; open another one")
      }
      return nil
    }
    guard session.connection.access == .write || !request.type.needsWriteAccess else {
      return Self.refusal(.notPermitted, "frame", "this peer may read; only root and the socket's group may write")
    }
    return nil
  }

  static func refusal(_ code: StatusCode, _ field: String, _ rule: String) -> Reply {
    .failure(code, Outcome(failed: 0, firstFailure: .init(index: nil, code: code, field: field, rule: rule)))
  }

  private func job(for request: Request, _ frame: IncomingFrame, _ session: ClientSession) -> RequestJob {
    switch request {
    case .hello: return .answer(.hello(hello(session.connection.access)))
    case .upsert(let request):
      guard let replacement = session.replacement else { return .set(request, frame.flags, BatchProgress()) }
      return .setAside(request, frame.sum ?? RecordSum(), position: 0, replacement)
    case .delete(let request):
      guard session.replacement == nil else {
        let rule = "a transaction is open on this connection, and what it does not name is deleted by it"
        return .answer(Self.refusal(.conflict, "frame", rule))
      }
      return .delete(request, frame.flags, BatchProgress(), [])
    case .lookup(let request):
      let entries = core.registry.lookup(request, now: core.clock())
      return .answer(entries.isEmpty ? Self.refusal(.notFound, "key", "nothing has this key") : .lookup(entries))
    case .dump(let request): return .dump(request)
    case .status: return .audit(deadline: core.clock() &+ Self.auditTime)
    case .counters(let request): return .counters(CounterPages(isComplete: request.all))
    case .transactionBegin(let scope): return .answer(beginTransaction(scope, frame.flags, session))
    case .transactionCommit(let commit): return .commit(commit)
    case .transactionAbort: return .answer(abortTransaction(session))
    case .syncBegin(let scope): return .answer(beginSynchronization(scope, session))
    case .syncEnd(let request): return endSynchronization(request, session)
    case .barrier: return .barrier
    case .ping(let payload): return .answer(.ping(payload))
    case .statistics: return .statistics(session.connection.id)
    case .subscribe(let mask):
      core.hub.subscribe(session.connection, owner: session.owner, mask: mask, requestID: frame.requestID)
      return .answer(.outcome(Outcome(generation: core.registry.generation)))
    }
  }

  /// Runs one slice, and tells those who want to hear of it.
  func perform(_ job: inout RequestJob, _ session: ClientSession) -> RequestStep {
    switch job {
    case .set, .delete: listen(to: session, .changed)
    case .commit: listen(to: session, .replaced)
    case .sweep: core.keeper?.note()
    default: break
    }
    let step = advance(&job, session)
    core.tellChanges(by: session.owner)
    return step
  }

  /// What the slice changes is noted, if somebody wants to hear of it.
  private func listen(to session: ClientSession, _ operation: BulkOperation) {
    let isHeard = core.hub.wants(.changed, by: session.owner) || core.hub.wants(.bulk, by: session.owner)
    if isHeard { core.registry.changeLog = ChangeLog(operation, clock: core.clock) }
    core.keeper?.note()
  }

  private func advance(_ job: inout RequestJob, _ session: ClientSession) -> RequestStep {
    switch job {
    case .answer(let reply): return .reply(reply)
    case .barrier:
      let generation = core.registry.generation
      return .whenQuiesced(generation, .outcome(Outcome(generation: generation)))
    case .set(let request, let flags, var progress):
      let (outcome, count) = set(request, flags, progress, owner: session.owner)
      core.lookSooner()
      progress.add(outcome, count: count)
      job = .set(request, flags, progress)
      return step(progress, of: request.count, flags)
    case .delete(let request, let flags, var progress, var revocations):
      if revocations.isEmpty {
        let slice = slice(request.keys, flags, progress, Self.sliceRecords)
        let begun = core.registry.beginDelete(slice, atomic: flags.contains(.atomic), now: core.clock())
        progress.add(begun.outcome, count: slice.count)
        revocations = begun.revocations
      } else {
        progress.advance(&revocations, in: core.registry, core.hub, by: session.owner)
      }
      job = .delete(request, flags, progress, revocations)
      return revocations.isEmpty ? step(progress, of: request.keys.count, flags) : .again
    case .commit(let commit): return .reply(commitTransaction(commit, session))
    case .setAside(let request, let sum, let position, let replacement):
      let (reply, next) = setAside(request, sum, position, replacement)
      job = .setAside(request, sum, position: next, replacement)
      return reply.map { .reply($0) } ?? .again
    case .sweep(let synchronization): return sweep(synchronization, session).map { .reply($0) } ?? .again
    case .dump(var request):
      guard let slice = core.registry.dump(request, limit: Self.dumpRecords, now: core.clock()) else {
        return .reply(Self.refusal(.invalid, "cookie", "no dump of this table gave out this cookie"))
      }
      guard !slice.records.isEmpty else { return .reply(.dump(slice)) }
      request.cookie = slice.cookie
      job = .dump(request)
      return .page(.dump(slice), more: false)
    case .audit(let deadline):
      if core.auditor.advance() || core.clock() >= deadline { job = .status(Self.pages(statusItems())) }
      return .again
    case .status(var pages):
      let page = Array(pages.removeFirst())
      job = .status(pages)
      return pages.isEmpty ? .reply(.status(page)) : .page(.status(page), more: true)
    case .counters(var pages):
      let page = nextPage(&pages)
      job = .counters(pages)
      if pages.isAtEnd { return .reply(.counters(page)) }
      return page.isEmpty ? .again : .page(.counters(page), more: true)
    case .statistics(let connection): return share(with: connection)
    }
  }

  /// One slice of an UPSERT, and how many records it had.
  private func set(
    _ request: UpsertRequest, _ flags: FrameFlags, _ progress: BatchProgress, owner: UInt32
  ) -> (Outcome, count: Int) {
    let isAtomic = flags.contains(.atomic)
    switch request.content {
    case .plain(let bindings):
      let part = slice(bindings, flags, progress, Self.sliceRecords)
      return (core.registry.set(part, atomic: isAtomic, now: core.clock(), owner: owner), part.count)
    case .records(let records):
      let part = slice(records, flags, progress, Self.sliceRecords)
      return (core.registry.set(part, atomic: isAtomic, now: core.clock(), owner: owner), part.count)
    }
  }

  /// An ATOMIC frame is one slice, whatever its size: packets must see all of it or none.
  private func slice<Element>(
    _ elements: [Element], _ flags: FrameFlags, _ progress: BatchProgress, _ limit: Int
  ) -> ArraySlice<Element> {
    let rest = elements[progress.position...]
    return flags.contains(.atomic) ? rest : rest.prefix(limit)
  }

  private func step(_ progress: BatchProgress, of count: Int, _ flags: FrameFlags) -> RequestStep {
    guard progress.position >= count else { return .again }
    // A record that failed is no reason to acknowledge the others before their time.
    let changedNothing = progress.outcome.applied == 0 && progress.outcome.firstFailure != nil
    guard flags.contains(.quiesced), !changedNothing else { return .reply(progress.reply) }
    return .whenQuiesced(progress.outcome.generation, progress.reply)
  }

  /// At least one page, so that an empty list is answered too.
  private static func pages<Item>(_ items: [Item]) -> [ArraySlice<Item>] {
    guard !items.isEmpty else { return [[]] }
    return stride(from: 0, to: items.count, by: pageItems).map { items[$0..<min($0 + pageItems, items.count)] }
  }
}
