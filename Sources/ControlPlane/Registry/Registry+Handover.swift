import FlowTable

/// Accounts of packets held for mobile nodes in handover: one for all bindings of a mobile node, so that its bound
/// (`buffers.per-mobile-node`) is one for all its prefixes.
struct HoldingAccounts {
  enum Owner: Hashable {
    case mobileNode(MobileNodeNames.ID)
    /// Slot of a binding that names no mobile node.
    case binding(UInt32)

    init(_ slot: UInt32, _ entry: BindingEntry) {
      self = entry.mobileNode == 0 ? .binding(slot) : .mobileNode(entry.mobileNode)
    }
  }

  private struct Account {
    let id: HoldingID
    /// Bindings for which packets may be held.
    var users: Int
  }

  private var accounts: [Owner: Account] = [:]

  func id(_ owner: Owner) -> HoldingID? { accounts[owner]?.id }

  /// One user more; false when the ledger has no account left.
  mutating func use(_ owner: Owner, in ledger: HandoverLedger) -> Bool {
    if accounts[owner] != nil {
      accounts[owner]?.users += 1
      return true
    }
    guard let id = ledger.open() else { return false }
    accounts[owner] = Account(id: id, users: 1)
    return true
  }

  /// One user less; the last one closes the account. What is still held under it is the workers' to give back.
  mutating func release(_ owner: Owner, in ledger: HandoverLedger) {
    guard var account = accounts[owner] else { return }
    account.users -= 1
    accounts[owner] = account.users == 0 ? nil : account
    if account.users == 0 { ledger.close(account.id) }
  }
}

extension Registry {
  /// Flushing bindings looked at in one tick.
  private static let flushesPerTick = 1024

  /// Opens what the journal's bindings need.
  func openAccounts(_ opened: inout [HoldingAccounts.Owner]) throws(RecordRefusal) {
    guard journal.concernsHandovers else { return }
    for note in journal.bindings where !note.isRemoved {
      guard let entry = bindings[note.slot], entry.holds else { continue }
      let owner = HoldingAccounts.Owner(note.slot, entry)
      guard accounts.use(owner, in: ledger) else {
        throw RecordRefusal(
          code: .full, field: "state",
          rule: "\(HandoverLedger.accountLimit) mobile nodes are in handover: end one, then try again")
      }
      opened.append(owner)
    }
  }

  /// Gives back what was opened for a request that is refused.
  func closeAccounts(_ opened: [HoldingAccounts.Owner]) {
    for owner in opened { accounts.release(owner, in: ledger) }
  }

  /// Gives back what the journal's bindings had before, and notes which of them flush now.
  func finishHandovers() {
    guard journal.concernsHandovers else { return }
    for note in journal.bindings {
      if let previous = journal.previous(note), previous.holds {
        accounts.release(HoldingAccounts.Owner(note.slot, previous), in: ledger)
      }
      if !note.isRemoved, let entry = bindings[note.slot], entry.state == .flushing {
        flushing.insert(note.slot)
      } else {
        flushing.remove(note.slot)
      }
    }
  }

  /// Ends the flushes of mobile nodes for which nothing is held any more: their bindings are `active`.
  ///
  /// Presentation only: the workers treat both alike and look at their own queues. The tunnel of the peer stays in use
  /// until the next record, since the previous MAG may have sent its last packets only now.
  func endFlushes() {
    guard !flushing.isEmpty else { return }
    journal.begin()
    journal.concernsHandovers = true
    for slot in flushing.next(Self.flushesPerTick) {
      // A slot may come twice.
      guard let previous = bindings[slot], previous.state == .flushing,
        let id = accounts.id(HoldingAccounts.Owner(slot, previous)),
        ledger.held(id) == 0
      else { continue }
      bindings[slot]?.state = .active
      bindings[slot]?.isFlushed = true
      // Without its peer it is another record.
      bindings[slot]?.origin.checksum = 0
      journal.note(slot, previous: previous)
      names.retain(previous.mobileNode)
    }
    let ended = journal.bindings
    do throws(RecordRefusal) {
      try publishJournal()
    } catch {
      return undoJournal()
    }
    for note in ended {
      guard let entry = bindings[note.slot] else { continue }
      events.add(.flushed(entry.packedKey.key, mobileNode: names[entry.mobileNode]))
    }
  }
}
