import FlowTable

/// What each source address holds, and which holds most.
///
/// The sources form a heap by octets, so that the largest is found at once however many there are: senders of forged
/// fragments choose their number.
package struct SourceShares {
  private struct Share {
    let source: IPAddress
    var octets = 0
    var packets = AgeList()
    /// Where the share stands in `heap`.
    var rank: Int
  }

  private var numbers: [IPAddress: Int] = [:]
  private var shares: [Share] = []
  /// Numbers of shares, a binary heap with the largest at 0. Numbers are dense: the last share moves into a gap.
  private var heap: [Int] = []
  private var links: [AgeList.Links] = []
  /// Octets charged to all sources.
  package private(set) var octets = 0

  package init() {}

  /// Sources that hold something.
  package var count: Int { shares.count }

  package func octets(of source: IPAddress) -> Int { numbers[source].map { shares[$0].octets } ?? 0 }

  /// The source that holds most.
  package var largest: IPAddress? { heap.first.map { shares[$0].source } }

  /// The packet of `source` that was begun first, other than `kept`.
  package func oldestPacket(of source: IPAddress, except kept: Int32) -> Int32? {
    numbers[source].flatMap { shares[$0].packets.oldest(except: kept, links) }
  }

  /// Adds a packet's slot to its source's list, the source too if it is new.
  package mutating func append(_ slot: Int32, of source: IPAddress) {
    while links.count <= Int(slot) { links.append(AgeList.Links()) }
    let number: Int
    if let known = numbers[source] {
      number = known
    } else {
      number = shares.count
      numbers[source] = number
      shares.append(Share(source: source, rank: heap.count))
      heap.append(number)
    }
    shares[number].packets.append(slot, &links)
  }

  /// Takes a packet's slot out; a source without packets is forgotten. Its charge has been taken back before.
  package mutating func remove(_ slot: Int32, of source: IPAddress) {
    guard let number = numbers[source] else { return }
    shares[number].packets.remove(slot, &links)
    if shares[number].packets.isEmpty { forget(number) }
  }

  /// Changes what `source` is charged with.
  package mutating func charge(_ source: IPAddress, _ change: Int) {
    guard let number = numbers[source] else { return }
    shares[number].octets += change
    octets += change
    if change > 0 { rise(shares[number].rank) } else { sink(shares[number].rank) }
  }

  private mutating func forget(_ number: Int) {
    octets -= shares[number].octets
    let rank = shares[number].rank
    let lastRank = heap.count - 1
    if rank != lastRank {
      exchange(rank, lastRank)
      heap.removeLast()
      rise(rank)
      sink(rank)
    } else {
      heap.removeLast()
    }
    numbers[shares[number].source] = nil
    let last = shares.count - 1
    if number != last {
      shares[number] = shares[last]
      numbers[shares[number].source] = number
      heap[shares[number].rank] = number
    }
    shares.removeLast()
  }

  private mutating func rise(_ start: Int) {
    var rank = start
    while rank > 0, octets(atRank: rank) > octets(atRank: (rank - 1) / 2) {
      exchange(rank, (rank - 1) / 2)
      rank = (rank - 1) / 2
    }
  }

  private mutating func sink(_ start: Int) {
    var rank = start
    while true {
      var larger = rank
      for child in [2 * rank + 1, 2 * rank + 2] where child < heap.count {
        if octets(atRank: child) > octets(atRank: larger) { larger = child }
      }
      if larger == rank { return }
      exchange(rank, larger)
      rank = larger
    }
  }

  private func octets(atRank rank: Int) -> Int { shares[heap[rank]].octets }

  private mutating func exchange(_ a: Int, _ b: Int) {
    heap.swapAt(a, b)
    shares[heap[a]].rank = a
    shares[heap[b]].rank = b
  }
}
