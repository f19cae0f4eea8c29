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

  /// Removes the bindings whose time has come, a bounded number of them, and retries what was put off.
  ///
  /// - Parameter now: nanoseconds of the injected monotonic clock.
  /// - Returns: what went, in the order of deadlines. With `expiriesPerTick` of them, call again at once.
  public func tick(now: UInt64) -> [ExpiredBinding] {
    retryPostponed()
    journal = Journal(number: journal.number + 1)
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
          mobileNode: entry.mobileNode))
    }
    guard !expired.isEmpty else { return [] }
    let slots = journal.bindings.map(\.slot)
    do throws(RecordRefusal) {
      try publishJournal()
    } catch {
      // The table waits for a worker: the bindings stay, and the next tick finds them due again.
      undoJournal()
      for slot in slots { schedule(slot) }
      return []
    }
    return expired
  }

  /// Makes sure the heap wakes this binding not later than its deadline.
  func schedule(_ slot: UInt32) {
    guard let entry = bindings[slot], entry.deadline < entry.scheduled else { return }
    bindings[slot]?.scheduled = entry.deadline
    deadlines.push(.init(deadline: entry.deadline, slot: slot))
    // Shortened deadlines leave dead items behind; they are swept before they outnumber the live ones.
    if deadlines.count > 2 * bindings.count + 1024 { rebuildDeadlines() }
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
    for slot in lingeringPaths { _ = publishPath(slot) }
    for slot in lingeringTunnels {
      guard let entry = tunnels[slot], entry.users == 0, !entry.isConfigured else {
        lingeringTunnels.remove(slot)
        continue
      }
      guard removeTunnel(slot, entry) else { continue }
      tunnels.unlink(entry.endpoints)
      tunnels.release(slot)
      lingeringTunnels.remove(slot)
    }
    let waiting = lingeringSteering
    lingeringSteering.removeAll()
    for change in waiting { removeSteering(change) }
  }
}
