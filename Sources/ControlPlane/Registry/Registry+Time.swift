import FlowTable

/// A binding that went by itself.
public struct ExpiredBinding: Hashable, Sendable {
  public enum Cause: Sendable {
    /// Its lifetime ended without a refresh (REQUIREMENTS S-46).
    case lifetime
    /// MinDelayBeforeBCEDelete passed (RFC 5213 section 5.3.5).
    case deregistered
  }

  public let key: BindingKey
  public let cause: Cause
  public let mobileNode: String?
}

extension Registry {
  /// Bindings removed in one tick at most, so that a mass expiry never holds up an update for long.
  private static let expiriesPerTick = 4096
  /// Nanoseconds between two looks at what is held for flushing mobile nodes.
  private static let flushPeriod: UInt64 = 5_000_000
  /// Nanoseconds between two slices of a bulk revocation whose client is gone.
  private static let revocationPeriod: UInt64 = 1_000_000

  /// Removes the bindings whose time has come, a bounded number of them, and retries what was put off.
  ///
  /// - Parameter now: nanoseconds of the injected monotonic clock.
  /// - Returns: what went, in the order of deadlines. With `expiriesPerTick` of them, call again at once.
  public func tick(now: UInt64) -> [ExpiredBinding] {
    lastLook = now
    retryPostponed()
    endFlushes()
    continueRevocations(limit: Self.revocationSlice)
    journal.begin()
    stageRouteExpiries(now)
    var expired: [ExpiredBinding] = []
    while expired.count < Self.expiriesPerTick, let item = deadlines.popDue(at: now) {
      guard let entry = bindings[item.slot], entry.scheduled == item.deadline else { continue }
      bindings[item.slot]?.scheduled = BindingEntry.never
      guard entry.deadline <= now else {
        schedule(item.slot)
        continue
      }
      var due = entry
      due.scheduled = BindingEntry.never
      removeBinding(item.slot, due)
      expired.append(
        ExpiredBinding(
          key: entry.packedKey.key, cause: entry.removal <= now ? .deregistered : .lifetime,
          mobileNode: names[entry.mobileNode]))
    }
    let slots = journal.bindings.map(\.slot)
    let routeSlots = journal.routes.map(\.slot)
    let ended = journal.routes.compactMap { routes[$0.slot]?.key }
    do throws(RecordRefusal) {
      try publishJournal()
    } catch {
      // The table waits for a worker: bindings and routes stay, and the next tick finds them due again.
      undoJournal()
      for slot in slots { schedule(slot) }
      for slot in routeSlots { scheduleRoute(slot) }
      return []
    }
    for key in ended { events.add(.routeExpired(from: key.from, to: key.to)) }
    return expired
  }

  /// When `tick` is due next, in nanoseconds of the injected clock: a lifetime or a delay ends, or something is under way
  /// that only looking tells; nil when nothing is to come.
  public var nextDeadline: UInt64? {
    var due = [deadlines.earliest, routeDeadlines.earliest].compactMap(\.self)
    if !flushing.isEmpty { due.append(lastLook &+ Self.flushPeriod) }
    if !revocations.isEmpty { due.append(lastLook &+ Self.revocationPeriod) }
    return due.min()
  }

  /// What happened beside the end of bindings, since this was called last; the latest few thousand.
  public func takeEvents() -> [RegistryEvent] { events.take() }

  private func stageRouteExpiries(_ now: UInt64) {
    while journal.routes.count < Self.expiriesPerTick, let item = routeDeadlines.popDue(at: now) {
      guard let entry = routes[item.slot], entry.scheduled == item.deadline else { continue }
      routes[item.slot]?.scheduled = BindingEntry.never
      guard entry.expiry <= now else {
        scheduleRoute(item.slot)
        continue
      }
      var due = entry
      due.scheduled = BindingEntry.never
      removeRoute(item.slot, due)
    }
  }

  /// Makes sure the heap wakes this binding not later than its deadline.
  func schedule(_ slot: UInt32) {
    guard let entry = bindings[slot], entry.deadline < entry.scheduled else { return }
    bindings[slot]?.scheduled = entry.deadline
    deadlines.push(.init(deadline: entry.deadline, slot: slot))
    // Shortened deadlines leave dead items behind; they are swept before they outnumber the live ones.
    if deadlines.count > 2 * bindings.count + 1024 { rebuildDeadlines() }
  }

  /// The same for a localized route.
  func scheduleRoute(_ slot: UInt32) {
    guard let entry = routes[slot], entry.expiry < entry.scheduled else { return }
    routes[slot]?.scheduled = entry.expiry
    routeDeadlines.push(.init(deadline: entry.expiry, slot: slot))
    guard routeDeadlines.count > 2 * routes.count + 1024 else { return }
    var items: [DeadlineHeap.Item] = []
    var position: UInt32 = 0
    while let (slot, entry) = routes.next(from: position) {
      if entry.scheduled != BindingEntry.never { items.append(.init(deadline: entry.scheduled, slot: slot)) }
      position = slot + 1
    }
    routeDeadlines.rebuild(items)
  }

  private func rebuildDeadlines() {
    var items: [DeadlineHeap.Item] = []
    var position: UInt32 = 0
    while let (slot, entry) = bindings.next(from: position) {
      if entry.scheduled != BindingEntry.never { items.append(.init(deadline: entry.scheduled, slot: slot)) }
      position = slot + 1
    }
    deadlines.rebuild(items)
  }

  private func retryPostponed() {
    for slot in lingeringSettings { publishSettings(slot) }
    for slot in lingeringTunnels {
      guard let entry = tunnels[slot], entry.users == 0, !entry.isConfigured else {
        lingeringTunnels.remove(slot)
        continue
      }
      guard removeTunnel(slot, entry) else { continue }
      tunnels.unlink(slot)
      tunnels.release(slot)
      lingeringTunnels.remove(slot)
    }
    let waiting = lingeringSteering
    lingeringSteering.removeAll()
    for change in waiting { changeSteering(change) }
  }
}
