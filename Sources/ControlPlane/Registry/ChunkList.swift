/// An array that never moves: it grows by chunks, so that no addition copies what is there. (Doubling an array of a
/// million deadlines held the writer up for five milliseconds.)
@safe
final class ChunkList<Element: BitwiseCopyable> {
  private static var chunkSize: Int { 4096 }

  // Chunks of `chunkSize` elements, this object's own; those below `count` are initialized.
  private var chunks: [UnsafeMutablePointer<Element>] = unsafe []
  private(set) var count = 0

  deinit { while let chunk = unsafe chunks.popLast() { unsafe chunk.deallocate() } }

  subscript(position: Int) -> Element {
    get {
      precondition(position < count, "position out of range")
      return unsafe chunks[position / Self.chunkSize][position % Self.chunkSize]
    }
    set {
      precondition(position < count, "position out of range")
      unsafe chunks[position / Self.chunkSize][position % Self.chunkSize] = newValue
    }
  }

  var last: Element? { count == 0 ? nil : self[count - 1] }

  func append(_ element: Element) {
    if unsafe count == chunks.count * Self.chunkSize { unsafe chunks.append(.allocate(capacity: Self.chunkSize)) }
    // Trivial elements need no deinitialization before.
    unsafe (chunks[count / Self.chunkSize] + count % Self.chunkSize).initialize(to: element)
    count += 1
  }

  func popLast() -> Element? {
    guard let last else { return nil }
    count -= 1
    return last
  }

  func swapAt(_ one: Int, _ other: Int) { (self[one], self[other]) = (self[other], self[one]) }

  /// Forgets everything and keeps one chunk's memory.
  func removeAll() {
    count = 0
    while unsafe chunks.count > 1 { unsafe chunks.removeLast().deallocate() }
  }
}
