import ControlProtocol
import FlowTable
import NIOCore

/// Turns requests into steps on the registry. Confined to the writer's loop.
final class RequestResponder {
  /// Records of a dump's slice: 400 kB at most.
  private static let dumpRecords = 2048
  /// Records of a slice of an UPSERT or DELETE: half a millisecond of the writer's time at most, twice that while the
  /// forwarding table grows.
  private static let sliceRecords = 256
  /// The same of bindings without anything rare, at 0.5 µs each.
  private static let plainSliceRecords = 1024
  /// Items of a STATUS or COUNTERS frame: far below the smallest payload limit at 300 octets each.
  private static let pageItems = 2048
  /// How long a STATUS waits for the audit of the forwarding table; then it tells of the one before.
  private static let auditTime: UInt64 = 1_000_000_000

  let core: WriterCore
  private let configuration: DaemonConfiguration
  let capacities: FlowTableLimits
  private let source: any StatusSource
  private let identity: ServiceIdentity
  private let limits: Limits
  /// Connections with an open transaction.
  var transactions: Set<UInt64> = []

  init(
    core: WriterCore, configuration: DaemonConfiguration, capacities: FlowTableLimits, source: any StatusSource,
    identity: ServiceIdentity, limits: Limits
  ) {
    self.core = core
    self.configuration = configuration
    self.capacities = capacities
    self.source = source
    self.identity = identity
    self.limits = limits
  }

  /// What a frame asks for, or its refusal.
  func job(for frame: IncomingFrame, _ session: ClientSession) -> RequestJob {
    switch frame.content {
    case .failure(let error): return .answer(.failure(error.status, error.outcome))
    case .success(let request):
      if let refusal = refusal(of: request, frame, session) { return .answer(refusal) }
      return job(for: request, frame, session)
    }
  }

  private func refusal(of request: Request, _ frame: IncomingFrame, _ session: ClientSession) -> Reply? {
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
    guard !frame.endsStream else { return Self.refusal(.helloRequired, "frame", "the first frame must be HELLO") }
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
    case .counters(let request): return .counters(Self.pages(counterItems(all: request.all)))
    case .transactionBegin(let scope): return .answer(beginTransaction(scope, frame.flags, session))
    case .transactionCommit(let commit): return .commit(commit)
    case .transactionAbort: return .answer(abortTransaction(session))
    case .syncBegin(let scope): return .answer(beginSynchronization(scope, session))
    case .syncEnd(let request): return endSynchronization(request, session)
    case .barrier, .ping, .subscribe, .statistics:
      // The one place for what the wire knows and the daemon does not serve yet.
      let error = DecodeError.unsupportedType(request.type.rawValue)
      return .answer(.failure(error.status, error.outcome))
    }
  }

  /// Runs one slice.
  func perform(_ job: inout RequestJob, _ session: ClientSession) -> RequestStep {
    switch job {
    case .answer(let reply): return .reply(reply)
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
        progress.advance(&revocations, in: core.registry)
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
      let page = Array(pages.removeFirst())
      job = .counters(pages)
      return pages.isEmpty ? .reply(.counters(page)) : .page(.counters(page), more: true)
    }
  }

  /// One slice of an UPSERT, and how many records it had.
  private func set(
    _ request: UpsertRequest, _ flags: FrameFlags, _ progress: BatchProgress, owner: UInt32
  ) -> (Outcome, count: Int) {
    let isAtomic = flags.contains(.atomic)
    switch request.content {
    case .plain(let bindings):
      let part = slice(bindings, flags, progress, Self.plainSliceRecords)
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
    guard flags.contains(.quiesced), progress.outcome.firstFailure == nil else { return .reply(progress.reply) }
    return .whenQuiesced(progress.outcome.generation, progress.reply)
  }

  /// At least one page, so that an empty list is answered too.
  private static func pages<Item>(_ items: [Item]) -> [ArraySlice<Item>] {
    guard !items.isEmpty else { return [[]] }
    return stride(from: 0, to: items.count, by: pageItems).map { items[$0..<min($0 + pageItems, items.count)] }
  }
}

extension RequestResponder {
  private func hello(_ access: HelloReply.Access) -> HelloReply {
    let registry = core.registry
    let counts: [(TableNumber, Int, Int)] = [
      (.bindings, registry.bindingCount, capacities.bindings), (.tunnels, registry.tunnelCount, capacities.tunnels),
      (.routes, registry.routeCount, Registry.routeCapacity), (.visitors, registry.visitorCount, capacities.bindings),
      (.peers, registry.failedPeerCount, Registry.peerCapacity),
    ]
    return HelloReply(
      access: access, role: configuration.role == .localMobilityAnchor ? .lma : .mag, bootID: identity.bootID,
      generation: registry.generation, limits: limits,
      tables: counts.map {
        let contents = registry.contents(of: $0)
        return HelloReply.Table(
          number: $0.rawValue, recordSize: UInt16($0.recordSize), entries: UInt64($1), capacity: UInt64($2),
          digest: contents.digest, hasStaleEntries: contents.hasStale)
      },
      software: identity.software)
  }

  /// Warnings first, then the daemon, its tables, and what the source knows.
  private func statusItems() -> [StatusItem] {
    var items = source.warnings.enumerated().map { StatusItem(key: "warning.\($0)", value: $1) }
    if let error = core.resolver.pendingError {
      items.append(StatusItem(key: "warning.routes", value: "routes cannot all be mirrored: \(error)"))
    }
    let statistics = core.writer.statistics
    let table = TableStatus(
      statistics: statistics, memory: core.writer.memory, auditor: core.auditor, stuckWorkers: core.watch.stuck,
      now: core.clock())
    items += table.warnings
    let facts: [(String, String)] = [
      ("role", configuration.role.rawValue), ("version", identity.software),
      ("uptime", "\((core.clock() &- identity.startedAt) / 1_000_000_000)"), ("boot-id", identity.bootText),
      ("generation", "\(statistics.generation)"), ("table.bindings", "\(core.registry.bindingCount)"),
      ("table.tunnels", "\(core.registry.tunnelCount)"), ("table.visitors", "\(core.registry.visitorCount)"),
      ("table.localized-routes", "\(core.registry.routeCount)"),
      ("table.failed-peers", "\(core.registry.failedPeerCount)"),
      ("table.routes", "\(statistics.routes)"), ("table.next-hops", "\(statistics.nextHops)"),
      ("table.retired", "\(statistics.retired)"), ("table.bytes", "\(core.writer.memory.total)"),
    ]
    items += facts.map { StatusItem(key: $0, value: $1) }
    return items + table.items + source.statusItems
  }

  /// What the metrics show beside the counters. Nothing is audited for it: the findings are those of the last STATUS.
  var gauges: [MetricsText.Gauge] {
    let statistics = core.writer.statistics
    return [
      .init(name: "table_bindings", help: "Bindings in the forwarding table.", value: statistics.bindings),
      .init(name: "table_memory_bytes", help: "Memory of the forwarding table.", value: core.writer.memory.total),
      .init(
        name: "table_retired_records", help: "Replaced records that wait for workers.", value: statistics.retired),
      .init(
        name: "table_audit_findings", help: "Breaches found by the last audit of the forwarding table.",
        value: core.auditor.last?.report.findingCount ?? 0),
      .init(
        name: "stuck_workers", help: "Workers that hold up a grace period and do not move.",
        value: core.watch.stuck.count),
    ]
  }

  /// Every counter of the daemon by its published name; with `all` the zeros too.
  func counterItems(all: Bool) -> [CounterItem] {
    var items = source.counterItems
    core.registry.forEachTunnelTraffic { endpoints, traffic in
      let name = "tunnel.\(endpoints.local).\(endpoints.remote)"
      items.append(CounterItem(name: "\(name).up.packets", value: traffic.up.packets))
      items.append(CounterItem(name: "\(name).up.bytes", value: traffic.up.bytes))
      items.append(CounterItem(name: "\(name).down.packets", value: traffic.down.packets))
      items.append(CounterItem(name: "\(name).down.bytes", value: traffic.down.bytes))
    }
    return all ? items : items.filter { $0.value != 0 }
  }
}
