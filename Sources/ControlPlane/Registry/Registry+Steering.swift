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
      plan.count(journal.previous(note)?.access, by: -1)
      plan.count(note.isRemoved ? nil : entry.access, by: 1)
      if journal.previous(note)?.localRouting ?? false { plan.localRouters -= 1 }
      if !note.isRemoved, entry.localRouting ?? false { plan.localRouters += 1 }
    }
    for note in journal.visitors {
      guard let entry = visitors[note.slot] else { continue }
      plan.replace(
        entry.prefix, previous: note.previous == nil ? nil : visitorSource, with: note.isRemoved ? nil : visitorSource)
    }
    plan.finish(counts: stations)
    return plan
  }

  /// The workers must see ordinary hosts' packets to reach mobile nodes here, by the flag or by a mobile node's own rule
  /// (R5213-17, R5213-18); as long as there is neither, the kernel takes them.
  private var visitorSource: SteeringSource { configuration.localRouting || localRouters > 0 ? .bound : .visitor }

  /// After the point of no return: what is not needed any more goes, and the counts are those of now.
  func finishSteering(_ plan: SteeringPlan) {
    for change in plan.removals { changeSteering(change) }
    for (station, change) in plan.stations where change != 0 {
      let count = (stations[station] ?? 0) + change
      stations[station] = count == 0 ? nil : count
    }
    finishLocalRouters(plan.localRouters)
  }

  /// The first mobile node with a rule of its own brings the visitors' packets to the workers, and the last one gives them
  /// back to the kernel. Published already, and a delay only means the longer way: the workers leave to the kernel what
  /// they do not deliver.
  private func finishLocalRouters(_ change: Int) {
    let before = visitorSource
    localRouters += change
    guard visitorSource != before else { return }
    var position: UInt32 = 0
    while let (slot, visitor) = visitors.next(from: position) {
      position = slot + 1
      // One that this request removes has its slot still.
      if visitors.find(visitor.prefix) == slot { changeSteering(.source(visitor.prefix, visitorSource)) }
    }
  }

  func addSteering(_ plan: SteeringPlan) throws(RecordRefusal) {
    guard let steering else { return }
    for (index, change) in plan.additions.enumerated() {
      do throws(SteeringError) {
        try change.apply(to: steering)
        forgetWaiting(change)
      } catch {
        undoSteering(plan, plan.additions.prefix(index))
        throw RecordRefusal(code: .full, field: "table", rule: "the steering program refused: \(error.reason)")
      }
    }
  }

  /// Takes additions back.
  func undoSteering(_ plan: SteeringPlan, _ additions: ArraySlice<SteeringChange>) {
    for change in additions { changeSteering(plan.reverse(of: change, visitors: visitorSource)) }
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

  /// An older change of the same key that is still waiting must not hit what is true now.
  private func forgetWaiting(_ change: SteeringChange) {
    if !lingeringSteering.isEmpty { lingeringSteering.removeAll { $0.removal == change.removal } }
  }
}
