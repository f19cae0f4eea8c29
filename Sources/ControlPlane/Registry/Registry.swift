import ControlProtocol
import FlowTable

/// The readable truth: every binding, tunnel, localized route, visitor prefix and failed peer as it was set, and the
/// forwarding table kept equal to it.
///
/// Confined to one thread, the writer's. Invariants between requests:
/// - every binding and every localized route names tunnels that exist, and a tunnel's `users` is the number of bindings
///   and routes that name it (REQUIREMENTS S-5, S-6);
/// - a tunnel exists because a record set it, until that is taken back, or because something names it: the tunnel that
///   nobody set goes with its last user (RFC 5213 section 5.6.1);
/// - the forwarding table holds exactly these bindings, visitor prefixes and tunnels; a tunnel is marked as failed there
///   while its remote is a failed peer or is being revoked;
/// - a binding for which packets may be held has an account in the ledger, one for all bindings of its mobile node;
/// - a binding names a block with the localized routes from its prefix while local routing is on for it;
/// - every binding and route with a deadline has an item in its heap that is not later than the deadline.
///
/// A request is staged record by record in the registry with a journal, then published to the forwarding table with one
/// `apply`; a refusal anywhere undoes the journal, so that nothing of the request remains.
public final class Registry {
  let configuration: DaemonConfiguration
  let rules: RecordRules
  let writer: TableWriter
  let resolver: NextHopResolver
  let capacities: FlowTableLimits
  /// Nil at an LMA, where nothing depends on sources.
  let steering: (any SteeringTable)?

  let bindings = SlotMap<BindingEntry>()
  let tunnels = SlotMap<TunnelEntry>()
  let visitors = SlotMap<VisitorEntry>()
  let routes = SlotMap<RouteEntry>()
  let names = MobileNodeNames()
  let owners = Owners()
  /// Slots of the routes of each prefix.
  var routesFrom: [Prefix: Set<UInt32>] = [:]
  /// By the binding's slot.
  var blocks: [UInt32: RouteBlock] = [:]
  let peers = SlotMap<FailedPeer>()
  /// Oldest first.
  var revocations: [Revocation] = []
  let ledger: HandoverLedger
  var accounts = HoldingAccounts()
  var flushing = FlushList()
  var events = RegistryEvents()
  /// Bindings that turn local routing on for themselves.
  var localRouters = 0
  let deadlines = DeadlineHeap()
  let routeDeadlines = DeadlineHeap()
  /// When the flushes and the revocations were looked at last.
  var lastLook: UInt64 = 0
  var journal = Journal()
  /// While somebody wants to hear what a request changes.
  var changeLog: ChangeLog?
  /// Tunnels without users whose removal the forwarding table has put off.
  var lingeringTunnels: Set<UInt32> = []
  /// Tunnels whose settings the forwarding table has not taken in yet: a path MTU, a peer's state, or what they were before
  /// a request that it refused.
  var lingeringSettings: Set<UInt32> = []
  /// Changes the steering program refused; until removals succeed its packets end as drops in the workers, never as leaks.
  var lingeringSteering: [SteeringChange] = []

  /// - Parameters:
  ///   - resolver: over the same writer; this registry becomes the one that hears of its changes.
  ///   - steering: required at a MAG for mobile nodes' packets to reach the workers.
  public init(
    configuration: DaemonConfiguration, writer: TableWriter, resolver: NextHopResolver, steering: (any SteeringTable)?
  ) {
    self.configuration = configuration
    self.rules = RecordRules(configuration)
    self.writer = writer
    self.resolver = resolver
    capacities = writer.limits
    ledger = writer.handoverLedger
    self.steering = configuration.role == .mobileAccessGateway ? steering : nil
    resolver.remoteChanged = { [weak self] remote throws(FlowTableError) in
      try self?.followNextHop(towards: remote)
    }
  }

  public var bindingCount: Int { bindings.count }
  public var tunnelCount: Int { tunnels.count }
  public var visitorCount: Int { visitors.count }
  public var routeCount: Int { routes.count }
  public var failedPeerCount: Int { peers.count }
  /// The last generation of the forwarding table in which a change became visible.
  public var generation: UInt64 { writer.generation }

  /// Sets records; each replaces the one with the same key.
  ///
  /// - Parameters:
  ///   - atomic: all records or none, and packets see all of them or none. Otherwise every valid record is applied.
  ///   - now: nanoseconds of the injected monotonic clock, for lifetimes.
  ///   - owner: whose they are from now on; 0 is the command line's.
  /// - Returns: what became of them; with a failure named when one was refused.
  public func set(
    _ records: some Collection<TableRecord>, atomic: Bool, now: UInt64, owner: UInt32 = 0
  ) -> Outcome {
    if let refusal = begin(owner, count: records.count) { return refusal }
    return run(records, atomic: atomic, now: now) { (record, now) throws(RecordRefusal) in try stage(record, now: now) }
  }

  /// Sets records of a snapshot: each is stale until its owner says it again.
  public func restore(_ records: some Collection<TableRecord>, owner: UInt32, now: UInt64) -> Outcome {
    if let refusal = begin(owner, stale: true, count: records.count) { return refusal }
    return run(records, atomic: false, now: now) { (record, now) throws(RecordRefusal) in try stage(record, now: now) }
  }

  /// The same as `set` for bindings without anything rare.
  public func set(
    _ records: ArraySlice<PlainBinding>, atomic: Bool, now: UInt64, owner: UInt32 = 0
  ) -> Outcome {
    if let refusal = begin(owner, count: records.count) { return refusal }
    beginRequest(now: now)
    var outcome = Outcome()
    stage(records, now: now) { index, result in
      outcome.count(result.map(Optional.some), at: index)
      return !atomic || outcome.firstFailure == nil
    }
    return finishRequest(outcome, of: records.count, atomic: atomic)
  }

  /// Deletes by key; what is absent counts as unchanged. A binding's key may carry the remote it must still have.
  ///
  /// - Returns: what became of them, and the bulk revocations that have begun: their bindings are forwarded no more, and
  ///   go by `continueRevocations`.
  public func beginDelete(
    _ keys: some Collection<TableKey>, atomic: Bool, now: UInt64
  ) -> (outcome: Outcome, revocations: [Revocation]) {
    let known = revocations.count
    let outcome = run(keys, atomic: atomic, now: now) { (key, _) throws(RecordRefusal) in try stageRemoval(key) }
    return (outcome, Array(revocations.dropFirst(known)))
  }

  /// Deletes by key, with all that a bulk revocation covers.
  public func delete(_ keys: some Collection<TableKey>, atomic: Bool, now: UInt64) -> Outcome {
    var (outcome, begun) = beginDelete(keys, atomic: atomic, now: now)
    while begun.contains(where: { !$0.isFinished }), continueRevocations(limit: Self.revocationSlice) {}
    outcome.add(begun)
    outcome.generation = writer.generation
    return outcome
  }

  /// - Parameter stage: whether the element changed anything, nil if that is counted later; a refusal changed nothing.
  private func run<Element>(
    _ elements: some Collection<Element>, atomic: Bool, now: UInt64,
    stage: (Element, UInt64) throws(RecordRefusal) -> Bool?
  ) -> Outcome {
    beginRequest(now: now)
    var outcome = Outcome()
    for (index, element) in elements.enumerated() {
      do throws(RecordRefusal) {
        outcome.count(.success(try stage(element, now)), at: index)
      } catch {
        outcome.count(.failure(error), at: index)
        if atomic { break }
      }
    }
    return finishRequest(outcome, of: elements.count, atomic: atomic)
  }

  /// A request of this owner begins; the outcome when there are too many owners for that.
  private func begin(_ owner: UInt32, stale: Bool = false, count: Int) -> Outcome? {
    do throws(RecordRefusal) {
      try owners.begin(owner, stale: stale)
      return nil
    } catch {
      return Outcome(
        failed: UInt32(clamping: count), firstFailure: error.failure(index: nil), generation: writer.generation)
    }
  }

  func beginRequest(now: UInt64) {
    journal.begin(now: now)
    // Requests in quick succession must not put the next look off for ever.
    if flushing.isEmpty && revocations.isEmpty { lastLook = now }
  }

  /// Publishes what was staged, or undoes all of it.
  private func finishRequest(_ staged: Outcome, of count: Int, atomic: Bool) -> Outcome {
    var outcome = staged
    if atomic, let failure = staged.firstFailure {
      undoJournal()
      outcome = Outcome(failed: 1, firstFailure: failure)
    } else {
      do throws(RecordRefusal) {
        try publishJournal()
      } catch {
        undoJournal()
        outcome = Outcome(failed: atomic ? 1 : UInt32(clamping: count), firstFailure: error.failure(index: nil))
      }
    }
    outcome.generation = writer.generation
    return outcome
  }
}

extension Outcome {
  /// Counts one record; nil is counted later.
  fileprivate mutating func count(_ result: Result<Bool?, RecordRefusal>, at index: Int) {
    switch result {
    case .success(true?): applied += 1
    case .success(false?): unchanged += 1
    case .success(nil): break
    case .failure(let refusal):
      failed += 1
      if firstFailure == nil { firstFailure = refusal.failure(index: index) }
    }
  }

  /// Adds what bulk revocations have removed; one that a worker holds up is named.
  public mutating func add(_ revocations: [Revocation]) {
    for revocation in revocations {
      applied += UInt32(clamping: revocation.removed)
      guard !revocation.isFinished, firstFailure == nil else { continue }
      firstFailure = Failure(
        index: nil, code: .unavailable, field: "remote",
        rule: "a worker does not move: the tunnels to \(revocation.remote) carry nothing, and \(revocation.removed) "
          + "bindings are removed; the rest follows when it moves")
    }
  }
}

extension RecordRefusal {
  func failure(index: Int?) -> Outcome.Failure {
    Outcome.Failure(index: index, code: code, field: field, rule: rule)
  }
}
