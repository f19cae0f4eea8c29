import FlowTable

/// Finding queues by their binding, and keeping them by their next event.
extension HandoverBuffer {
  // MARK: By binding

  /// The queue of a binding whose packets will be sent still; 0 without one.
  package func queue(of binding: HandoverKey) -> UInt32 {
    var place = home(binding.counter)
    while index[place] != 0 {
      if queues[Int(index[place])].binding == binding { return index[place] }
      place = (place &+ 1) & mask
    }
    return 0
  }

  private var mask: Int { index.count - 1 }

  /// Counters are handed out one after the other: a multiplicative hash keeps neighbours apart.
  private func home(_ counter: UInt32) -> Int { Int((counter &* 0x9e37_79b9) >> 7) & mask }

  /// A queue for a binding that has none. There are as many as slots, and one slot was just taken.
  mutating func open(_ arrival: Arrival, now: UInt64) -> UInt32 {
    guard let number = freeQueues.take() else { preconditionFailure("more queues than held packets") }
    queues[Int(number)] = HandoverQueue(binding: arrival.binding, generation: arrival.generation)
    queueCount += 1
    heap[queueCount] = number
    queues[Int(number)].place = UInt32(queueCount)
    queues[Int(number)].due = .max
    var place = home(arrival.binding.counter)
    while index[place] != 0 { place = (place &+ 1) & mask }
    index[place] = number
    return number
  }

  mutating func close(_ number: UInt32) {
    if queues[Int(number)].mode != .cancelled { removeFromIndex(number) }
    removeFromHeap(number)
    queues[Int(number)] = HandoverQueue()
    freeQueues.give(number)
  }

  /// What a queue holds is to be dropped: its binding, or another one in the same traffic cell, is without one at once,
  /// however many turns the dropping takes.
  mutating func cancel(_ number: UInt32) {
    removeFromIndex(number)
    queues[Int(number)].mode = .cancelled
  }

  private mutating func removeFromIndex(_ number: UInt32) {
    var hole = home(queues[Int(number)].binding.counter)
    while index[hole] != number { hole = (hole &+ 1) & mask }
    // What follows moves up, unless that would put it before its home.
    var place = (hole &+ 1) & mask
    while index[place] != 0 {
      let distance = (place &- home(queues[Int(index[place])].binding.counter)) & mask
      if distance >= (place &- hole) & mask {
        index[hole] = index[place]
        hole = place
      }
      place = (place &+ 1) & mask
    }
    index[hole] = 0
  }

  // MARK: By next event

  private func due(_ place: Int) -> UInt64 { queues[Int(heap[place])].due }

  private mutating func swapPlaces(_ one: Int, _ other: Int) {
    let first = heap[one]
    heap[one] = heap[other]
    heap[other] = first
    queues[Int(heap[one])].place = UInt32(one)
    queues[Int(heap[other])].place = UInt32(other)
  }

  /// Moves a queue whose next event has changed to its place.
  mutating func arrange(_ number: UInt32) {
    var place = Int(queues[Int(number)].place)
    while place > 1 && due(place) < due(place / 2) {
      swapPlaces(place, place / 2)
      place /= 2
    }
    while true {
      var earliest = place
      for child in 2 * place...2 * place + 1 where child <= queueCount && due(child) < due(earliest) {
        earliest = child
      }
      if earliest == place { return }
      swapPlaces(place, earliest)
      place = earliest
    }
  }

  private mutating func removeFromHeap(_ number: UInt32) {
    let place = Int(queues[Int(number)].place)
    swapPlaces(place, queueCount)
    queueCount -= 1
    if place <= queueCount { arrange(heap[place]) }
  }

  // MARK: Checking against the tables

  func generation(of number: UInt32) -> UInt64 { queues[Int(number)].generation }

  package func binding(of number: UInt32) -> HandoverKey { queues[Int(number)].binding }

  /// Whether every queue's mode is right for a generation.
  package func isChecked(_ generation: UInt64) -> Bool { heldCount == 0 || checkedGeneration == generation }

  /// The next queue whose mode may be out of date; 0 when the round or the budget is at its end.
  ///
  /// - Parameters:
  ///   - generation: of the snapshot that the caller asks.
  ///   - budget: how many queues to look at still; counted down.
  package mutating func nextToCheck(_ generation: UInt64, budget: inout Int) -> UInt32 {
    if checkedGeneration == generation { return 0 }
    if nextChecked == 0 {
      checkingGeneration = generation
      nextChecked = 1
    }
    while nextChecked < freeQueues.highWater {
      if budget == 0 { return 0 }
      budget -= 1
      let number = UInt32(nextChecked)
      nextChecked += 1
      let queue = queues[Int(number)]
      if queue.count > 0, queue.mode != .cancelled, queue.generation < checkingGeneration { return number }
    }
    checkedGeneration = checkingGeneration
    nextChecked = 0
    return 0
  }
}
