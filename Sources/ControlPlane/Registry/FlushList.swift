/// Bindings in state `flushing`, looked at in turn, a few at a time: with ten thousands of them a look would hold the
/// writer up otherwise.
package struct FlushList {
  private var members: Set<UInt32> = []
  /// Every member once; those that are none any more are dropped when they are met, or when none is left.
  private var order: [UInt32] = []
  /// What is in `order`: a member that goes and comes again is in it already.
  private var listed: Set<UInt32> = []
  private var position = 0

  package init() {}

  package var isEmpty: Bool { members.isEmpty }

  /// Slots that a look goes through.
  package var length: Int { order.count }

  package mutating func insert(_ slot: UInt32) {
    members.insert(slot)
    if listed.insert(slot).inserted { order.append(slot) }
  }

  package mutating func remove(_ slot: UInt32) {
    guard members.remove(slot) != nil, members.isEmpty else { return }
    order = []
    listed = []
    position = 0
  }

  /// The next members, `limit` of them at most; goes on from the first after the last.
  package mutating func next(_ limit: Int) -> [UInt32] {
    var slots: [UInt32] = []
    var left = min(limit, order.count)
    while left > 0, !order.isEmpty {
      left -= 1
      if position >= order.count { position = 0 }
      let slot = order[position]
      if members.contains(slot) {
        slots.append(slot)
        position += 1
      } else {
        listed.remove(slot)
        order.swapAt(position, order.count - 1)
        order.removeLast()
      }
    }
    return slots
  }
}
