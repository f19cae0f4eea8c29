import CInstructions
import Synchronization

/// Longest match of up to `BatchLookup.width` addresses of one family at a time in the route trie.
///
/// All addresses go down together, one level a pass: each pass looks at the nodes that the last one prefetched and
/// prefetches the children. The deepest node with a leaf for the address wins; only that leaf is loaded.
@safe
struct RouteLookup {
  // The owner's mappings; the words in them name blocks that were written before they were published.
  let roots: UnsafeMutableRawPointer
  let nodes: UnsafeMutableRawPointer
  let leaves: UnsafeMutableRawPointer
  let family: AddressFamily

  /// Working memory of one batch, on the stack.
  @safe
  struct Scratch {
    // `bytes` octets, which outlive the look-up: arrays of `width` elements at fixed offsets.
    private let memory: UnsafeMutableRawPointer

    static let bytes = BatchLookup.width * (4 + 4 + 1)

    @inline(__always)
    init(_ memory: UnsafeMutableRawPointer) { unsafe self.memory = unsafe memory }

    /// The node that each active address has come to.
    @inline(__always)
    var nodes: UnsafeMutablePointer<UInt32> { unsafe memory.assumingMemoryBound(to: UInt32.self) }

    /// The leaf of the longest prefix so far, by position in the batch; 0 is none.
    @inline(__always)
    var best: UnsafeMutablePointer<UInt32> {
      unsafe (memory + BatchLookup.width * 4).assumingMemoryBound(to: UInt32.self)
    }

    /// Positions in the batch of the addresses that have a node to look at. When all are down, free for other lists.
    @inline(__always)
    var positions: UnsafeMutablePointer<UInt8> { unsafe active }
    @inline(__always)
    var active: UnsafeMutablePointer<UInt8> {
      unsafe (memory + BatchLookup.width * 8).assumingMemoryBound(to: UInt8.self)
    }
  }

  /// - Parameters:
  ///   - pending: positions in `keys` and `results` of the addresses to look up; `count` of them.
  ///   - results: receives each one's next hop, 0 without a route in the trie.
  func resolve(
    _ keys: UnsafePointer<LookupKey>, _ pending: UnsafeMutablePointer<UInt8>, _ count: Int, _ scratch: Scratch,
    into results: UnsafeMutablePointer<UInt32>
  ) {
    var active = unsafe enter(keys, pending, count, scratch)
    var depth = RouteTrie.rootBits(family)
    while active > 0 {
      active = unsafe descend(keys, active, scratch, depth)
      depth &+= RouteNode.stride
    }
    var place = 0
    while place < count {
      // Positions are below the batch's width, and `best` was written for each of them by `enter`.
      unsafe fp_prefetch(leaves + Int(scratch.best[Int(pending[place])]) &* RouteLeaf.bytes)
      place &+= 1
    }
    place = 0
    while place < count {
      let position = unsafe Int(pending[place])
      // Leaves are immutable from their publication on; number 0 is none's and holds zero.
      let leaf = unsafe (leaves + Int(scratch.best[position]) &* RouteLeaf.bytes).load(as: RouteLeaf.self)
      unsafe results[position] = leaf.nextHop
      place &+= 1
    }
  }

  /// The first step of all: from the root words to the nodes.
  @inline(__always)
  private func enter(
    _ keys: UnsafePointer<LookupKey>, _ pending: UnsafeMutablePointer<UInt8>, _ count: Int, _ scratch: Scratch
  ) -> Int {
    let bits = RouteTrie.rootBits(family)
    var place = 0
    while place < count {
      // Inside the roots, as many as `bits` bits can say.
      unsafe fp_prefetch(roots + RouteAddress(keys[Int(pending[place])]).root(bits: bits) &* 4)
      place &+= 1
    }
    var active = 0
    place = 0
    while place < count {
      let position = unsafe pending[place]
      // As above. Acquire pairs with the release store in `RouteTrie.setRoot`.
      let word = unsafe roots.word32(RouteAddress(keys[Int(position)]).root(bits: bits) &* 4)
      let node = unsafe word.pointee.load(ordering: .acquiring)
      unsafe scratch.best[Int(position)] = 0
      unsafe scratch.nodes[active] = node
      unsafe scratch.active[active] = position
      unsafe fp_prefetch(nodes + Int(node) &* RouteNode.bytes)
      active &+= node == 0 ? 0 : 1
      place &+= 1
    }
    return active
  }

  /// One level: notes the leaf of every active address, and goes on to the child.
  ///
  /// - Returns: how many have a child; they are the first of `active` from now on.
  @inline(__always)
  private func descend(
    _ keys: UnsafePointer<LookupKey>, _ count: Int, _ scratch: Scratch, _ depth: Int
  ) -> Int {
    var active = 0
    var place = 0
    while place < count {
      // The node's block was written before the word that led here was published; `childBase` alone may change since.
      let position = unsafe scratch.active[place]
      let node = unsafe nodes + Int(scratch.nodes[place]) &* RouteNode.bytes
      let slot = unsafe UInt64(RouteAddress(keys[Int(position)]).slot(depth: depth))
      let bit = UInt64(1) &<< slot
      let fields = unsafe node.assumingMemoryBound(to: RouteNode.self)
      let run = unsafe fp_bit_count(fields.pointee.runs & (bit | (bit &- 1)))
      let leaf = unsafe fields.pointee.leafBase &+ UInt32(truncatingIfNeeded: run) &- 1
      let best = unsafe scratch.best[Int(position)]
      unsafe scratch.best[Int(position)] = unsafe fields.pointee.own & bit != 0 ? leaf : best
      // Acquire pairs with the release store in `RouteTrie.setChildren`.
      let children = unsafe node.word32(RouteNode.childBaseOffset).pointee.load(ordering: .acquiring)
      let before = unsafe fp_bit_count(fields.pointee.children & (bit &- 1))
      let child = children &+ UInt32(truncatingIfNeeded: before)
      unsafe scratch.nodes[active] = child
      unsafe scratch.active[active] = position
      unsafe fp_prefetch(nodes + Int(child) &* RouteNode.bytes)
      active &+= unsafe fields.pointee.children & bit != 0 ? 1 : 0
      place &+= 1
    }
    return active
  }
}
