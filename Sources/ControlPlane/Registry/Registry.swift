import ControlProtocol
import FlowTable

/// The readable truth: every binding, tunnel and visitor prefix as it was set, and the forwarding table kept equal to it.
///
/// Confined to one thread, the writer's. Invariants between requests:
/// - every binding names a tunnel that exists, and a tunnel's `users` is the number of bindings that name it
///   (REQUIREMENTS S-5, S-6);
/// - a tunnel exists because a record set it or because a binding names it; a dynamic one goes with its last user
///   (RFC 5213 section 5.6.1);
/// - the forwarding table holds exactly these bindings and tunnels;
/// - every binding with a deadline has an item in the heap that is not later than the deadline.
///
/// A request is staged record by record in the registry with a journal, then published to the forwarding table with one
/// `apply`; a refusal anywhere undoes the journal, so that nothing of the request remains.
public final class Registry {
  let configuration: DaemonConfiguration
  let rules: RecordRules
  let writer: TableWriter
  let resolver: NextHopResolver
  /// Nil at an LMA, where nothing depends on sources.
  let steering: (any SteeringTable)?

  var bindings = SlotMap<PackedKey, BindingEntry>()
  var tunnels = SlotMap<TunnelEndpoints, TunnelEntry>()
  var visitors = SlotMap<Prefix, VisitorEntry>()
  var visitorPorts = PrefixMap<UInt8>()
  /// Bindings at each station; the steering program knows the stations with at least one.
  var stations: [Station: Int] = [:]
  var deadlines = DeadlineHeap()
  var journal = Journal(number: 0)
  /// Tunnels without users whose removal the forwarding table has put off.
  var lingeringTunnels: Set<UInt32> = []
  /// Tunnels whose path MTU the forwarding table has not taken in yet.
  var lingeringPaths: Set<UInt32> = []
  /// Removals the steering program refused; until they succeed its packets end as drops in the workers, never as leaks.
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
    self.steering = configuration.role == .mobileAccessGateway ? steering : nil
    resolver.remoteChanged = { [weak self] remote throws(FlowTableError) in
      try self?.followNextHop(towards: remote)
    }
  }

  public var bindingCount: Int { bindings.count }
  public var tunnelCount: Int { tunnels.count }
  public var visitorCount: Int { visitors.count }
  /// The last generation of the forwarding table in which a change became visible.
  public var generation: UInt64 { writer.generation }
  /// When the next lifetime or delay may end, in nanoseconds of the injected clock; nil without any.
  public var nextDeadline: UInt64? { deadlines.earliest }

  /// Sets records; each replaces the one with the same key.
  ///
  /// - Parameters:
  ///   - atomic: all records or none, and packets see all of them or none. Otherwise every valid record is applied.
  ///   - now: nanoseconds of the injected monotonic clock, for lifetimes.
  /// - Returns: what became of them; with a failure named when one was refused.
  public func set(_ records: some Collection<TableRecord>, atomic: Bool, now: UInt64) -> Outcome {
    run(records, atomic: atomic, now: now) { (record, now) throws(RecordRefusal) in try stage(record, now: now) }
  }

  /// Deletes by key; what is absent counts as unchanged. A binding's key may carry the remote it must still have.
  public func delete(_ keys: some Collection<TableKey>, atomic: Bool, now: UInt64) -> Outcome {
    run(keys, atomic: atomic, now: now) { (key, _) throws(RecordRefusal) in try stageRemoval(key) }
  }

  /// - Parameter stage: whether the element changed anything; a refusal changed nothing.
  private func run<Element>(
    _ elements: some Collection<Element>, atomic: Bool, now: UInt64,
    stage: (Element, UInt64) throws(RecordRefusal) -> Bool
  ) -> Outcome {
    journal = Journal(number: journal.number + 1)
    var outcome = Outcome()
    for (index, element) in elements.enumerated() {
      do throws(RecordRefusal) {
        if try stage(element, now) { outcome.applied += 1 } else { outcome.unchanged += 1 }
      } catch {
        outcome.failed += 1
        if outcome.firstFailure == nil { outcome.firstFailure = error.failure(index: index) }
        if atomic {
          undoJournal()
          return Outcome(failed: 1, firstFailure: outcome.firstFailure, generation: writer.generation)
        }
      }
    }
    do throws(RecordRefusal) {
      try publishJournal()
    } catch {
      undoJournal()
      let refused = UInt32(clamping: elements.count)
      outcome = Outcome(failed: atomic ? 1 : refused, firstFailure: error.failure(index: nil))
    }
    outcome.generation = writer.generation
    return outcome
  }
}

extension RecordRefusal {
  func failure(index: Int?) -> Outcome.Failure {
    Outcome.Failure(index: index, code: code, field: field, rule: rule)
  }
}
