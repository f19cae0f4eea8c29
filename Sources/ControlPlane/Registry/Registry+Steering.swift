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
    }
    for note in journal.visitors {
      guard let entry = visitors[note.slot] else { continue }
      plan.replace(
        entry.prefix, previous: note.previous == nil ? nil : visitorSource, with: note.isRemoved ? nil : visitorSource)
    }
    plan.finish(counts: stations)
    return plan
  }

  /// The workers must see ordinary hosts' packets to reach mobile nodes here; without local routing the kernel takes them.
  private var visitorSource: SteeringSource { configuration.localRouting ? .bound : .visitor }

  func addSteering(_ plan: SteeringPlan) throws(RecordRefusal) {
    guard let steering else { return }
    for (index, change) in plan.additions.enumerated() {
      do throws(SteeringError) {
        try change.apply(to: steering)
        // An older removal of the same key that is still waiting must not hit what was just added.
        lingeringSteering.removeAll { $0 == change.removal }
      } catch {
        for done in plan.additions.prefix(index) { removeSteering(done.removal) }
        throw RecordRefusal(code: .full, field: "table", rule: "the steering program refused: \(error.reason)")
      }
    }
  }

  /// Removes now, or at a later tick when the program refuses.
  func removeSteering(_ change: SteeringChange) {
    guard let steering else { return }
    do throws(SteeringError) {
      try change.apply(to: steering)
    } catch {
      lingeringSteering.append(change)
    }
  }
}
