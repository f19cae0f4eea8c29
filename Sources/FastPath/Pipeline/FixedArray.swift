/// A fixed number of plain values in cache-line aligned memory of their own.
///
/// `InlineArray` would be the natural choice; within a larger noncopyable value Swift 6.3 copies the whole array to the
/// stack around element accesses in loops (2,560 octets for each pool check, seen in the disassembly), so the hot path
/// keeps its arrays behind one pointer. Bounds are checked; the count is part of the type, so that in a loop whose end is
/// known to be within it the compiler leaves the checks out.
@safe
struct FixedArray<let capacity: Int, Element: BitwiseCopyable>: ~Copyable {
  private let base: UnsafeMutablePointer<Element>

  @inline(__always)
  var count: Int { capacity }

  init(repeating value: Element) {
    let octets = max(capacity * MemoryLayout<Element>.stride, 1)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: octets, alignment: 64)
    // Safe: room for `capacity` elements, initialized before anything reads them, freed in deinit and nowhere else.
    unsafe base = memory.bindMemory(to: Element.self, capacity: capacity)
    unsafe base.initialize(repeating: value, count: capacity)
  }

  deinit { unsafe base.deallocate() }

  @inline(__always)
  subscript(index: Int) -> Element {
    _read {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: capacity))
      // Safe: the index is in bounds.
      yield unsafe base[index]
    }
    nonmutating _modify {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: capacity))
      // Safe: the index is in bounds; the owner is one thread's.
      yield unsafe &base[index]
    }
  }

  /// The elements for a callee that wants raw memory; valid while this value lives.
  @unsafe @inline(__always)
  var pointer: UnsafeMutablePointer<Element> { unsafe base }
}
