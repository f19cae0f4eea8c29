extension BatchLookup {
  /// Working memory of one batch, on the stack: one address, so that the loops keep it in one register.
  @safe
  struct Scratch {
    // `bytes` octets, which outlive the lookup: arrays of `width` elements at fixed offsets, in falling alignment.
    private let memory: UnsafeMutableRawPointer

    static let bytes = width * (8 + 4 + 1 + 1 + 1)

    @inline(__always)
    init(_ memory: UnsafeMutableRawPointer) { unsafe self.memory = unsafe memory }

    /// The hash of each pending key.
    @inline(__always)
    var hashes: UnsafeMutablePointer<UInt64> { unsafe memory.assumingMemoryBound(to: UInt64.self) }

    /// The record that each pending key's tag led to, 0 without one.
    @inline(__always)
    var candidates: UnsafeMutablePointer<UInt32> { unsafe (memory + width * 8).assumingMemoryBound(to: UInt32.self) }

    /// Positions in the batch of the keys that have no match yet.
    @inline(__always)
    var pending: UnsafeMutablePointer<UInt8> { unsafe (memory + width * 12).assumingMemoryBound(to: UInt8.self) }

    /// The lengths that go together through the passes, longest first.
    @inline(__always)
    var lengths: UnsafeMutablePointer<LengthClass> {
      unsafe (memory + width * 13).assumingMemoryBound(to: LengthClass.self)
    }

    /// Which of the pending keys may lie past their first bucket.
    @inline(__always)
    var passed: UnsafeMutablePointer<UInt8> { unsafe (memory + width * 14).assumingMemoryBound(to: UInt8.self) }

    /// Makes every position pending.
    @inline(__always)
    func listAll() {
      // Eight positions a word, in memory order: `pending` is 8-octet aligned and has `width` octets.
      let words = unsafe (memory + width * 12).assumingMemoryBound(to: UInt64.self)
      var word = UInt64(littleEndian: 0x0706_0504_0302_0100)
      var number = 0
      while number < width / 8 {
        unsafe words[number] = word
        word = UInt64(littleEndian: UInt64(littleEndian: word) &+ 0x0808_0808_0808_0808)
        number &+= 1
      }
    }

    /// Makes those of the batch's first `count` keys pending that have no result.
    func list(_ count: Int, without results: UnsafeMutablePointer<UInt32>) {
      var listed = 0
      var position = 0
      while position < count {
        // Below `width`: each position is written, and counts only if it has no result.
        unsafe pending[listed] = UInt8(truncatingIfNeeded: position)
        listed &+= unsafe results[position] == 0 ? 1 : 0
        position &+= 1
      }
    }

    /// Leaves those of the first `count` pending keys in the list that have no result; returns how many they are.
    @inline(__always)
    func keepPending(_ count: Int, without results: UnsafeMutablePointer<UInt32>) -> Int {
      var left = 0
      var place = 0
      while place < count {
        // Positions are below the batch's count; `left` never passes `place`.
        let position = unsafe pending[place]
        unsafe pending[left] = position
        left &+= unsafe results[Int(position)] == 0 ? 1 : 0
        place &+= 1
      }
      return left
    }

    @inline(__always)
    func copyPending(_ count: Int, to positions: UnsafeMutablePointer<UInt8>) {
      var place = 0
      while place < count {
        // Both lists have `width` elements.
        unsafe positions[place] = unsafe pending[place]
        place &+= 1
      }
    }

    /// Makes the positions of one family pending, in order.
    func list(_ family: AddressFamily, _ keys: UnsafePointer<LookupKey>, _ count: Int) {
      var listed = 0
      var position = 0
      while position < count {
        // Below `width`: each position is written, and counts only if it is of the family.
        unsafe pending[listed] = UInt8(truncatingIfNeeded: position)
        listed &+= unsafe keys[position].family == family ? 1 : 0
        position &+= 1
      }
    }
  }
}
