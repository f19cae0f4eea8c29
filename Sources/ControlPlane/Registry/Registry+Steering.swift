import ControlProtocol
import FlowTable

extension Registry {
  /// What the journal changes for the steering program; empty without one.
  func steeringPlan() -> SteeringPlan {
    var plan = SteeringPlan()
    guard steering != nil else { return plan }
    for note in journal.bindings {
      guard let entry = bindings[note.slot] else { continue }
      plan.replace(
        entry.packedKey.key.prefix, previous: note.isNew ? nil : .bound, with: note.isRemoved ? nil : .bound)
      if journal.previous(note)?.localRouting ?? false { plan.localRouters -= 1 }
      if !note.isRemoved, entry.localRouting ?? false { plan.localRouters += 1 }
    }
    for note in journal.visitors {
      guard let entry = visitors[note.slot] else { continue }
      plan.replace(
        entry.prefix, previous: note.previous.map(visitorSource), with: note.isRemoved ? nil : visitorSource(entry))
    }
    plan.finish()
    return plan
  }

  /// The workers must see ordinary hosts' packets to reach mobile nodes here, by the flag or by a mobile node's own rule
  /// (R5213-17, R5213-18); as long as there is neither, the kernel takes them.
  private var seesVisitors: Bool { configuration.localRouting || localRouters > 0 }

  private func visitorSource(_ visitor: VisitorEntry) -> SteeringSource {
    seesVisitors ? .bound : .visitor(port: visitor.port)
  }

  /// After the point of no return: what is not needed any more goes, and the count is that of now.
  func finishSteering(_ plan: SteeringPlan) {
    for change in plan.removals { changeSteering(change) }
    finishLocalRouters(plan.localRouters)
  }

  /// The first mobile node with a rule of its own brings the visitors' packets to the workers, and the last one gives them
  /// back to the kernel. Published already, and a delay only means the longer way: the workers leave to the kernel what
  /// they do not deliver.
  private func finishLocalRouters(_ change: Int) {
    let before = seesVisitors
    localRouters += change
    guard seesVisitors != before else { return }
    var position: UInt32 = 0
    while let (slot, visitor) = visitors.next(from: position) {
      position = slot + 1
      // One that this request removes has its slot still.
      guard visitors.find(visitor.prefix) == slot else { continue }
      changeSteering(SteeringChange(prefix: visitor.prefix, source: visitorSource(visitor)))
    }
  }

  func addSteering(_ plan: SteeringPlan) throws(RecordRefusal) {
    guard let steering else { return }
    for (index, change) in plan.additions.enumerated() {
      do throws(SteeringError) {
        try change.apply(to: steering)
        forgetWaiting(change)
      } catch {
        undoSteering(plan.additions.prefix(index))
        throw RecordRefusal(code: .full, field: "table", rule: "the steering program refused: \(error.reason)")
      }
    }
  }

  /// Takes additions back.
  func undoSteering(_ additions: ArraySlice<SteeringChange>) {
    for change in additions { changeSteering(change.reverse) }
  }

  /// Changes what cannot be refused any more: now, or at a later tick when the program refuses.
  func changeSteering(_ change: SteeringChange) {
    guard let steering else { return }
    forgetWaiting(change)
    do throws(SteeringError) {
      try change.apply(to: steering)
    } catch {
      lingeringSteering.append(change)
    }
  }

  /// An older change of the same prefix that is still waiting must not hit what is true now.
  private func forgetWaiting(_ change: SteeringChange) {
    if !lingeringSteering.isEmpty { lingeringSteering.removeAll { $0.prefix == change.prefix } }
  }
}
