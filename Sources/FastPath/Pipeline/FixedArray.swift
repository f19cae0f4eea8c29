/// A fixed number of plain values in cache-line aligned memory of their own.
///
/// `InlineArray` would be the natural choice; within a larger noncopyable value Swift 6.3 copies the whole array to the
/// stack around element accesses in loops (2,560 octets for each pool check, seen in the disassembly), so the hot path
/// keeps its arrays behind one pointer. Bounds are checked.
@safe
struct FixedArray<Element: BitwiseCopyable>: ~Copyable {
  private let base: UnsafeMutablePointer<Element>
  let count: Int

  init(repeating value: Element, count: Int) {
    self.count = count
    let octets = max(count * MemoryLayout<Element>.stride, 1)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: octets, alignment: 64)
    // Safe: room for `count` elements, initialized before anything reads them, freed in deinit and nowhere else.
    unsafe base = memory.bindMemory(to: Element.self, capacity: count)
    unsafe base.initialize(repeating: value, count: count)
  }

  deinit { unsafe base.deallocate() }

  @inline(__always)
  subscript(index: Int) -> Element {
    _read {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
      // Safe: the index is in bounds.
      yield unsafe base[index]
    }
    nonmutating _modify {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
      // Safe: the index is in bounds; the owner is one thread's.
      yield unsafe &base[index]
    }
  }

  /// The elements for a callee that wants raw memory; valid while this value lives.
  @unsafe @inline(__always)
  var pointer: UnsafeMutablePointer<Element> { unsafe base }
}
