import Glibc
import Synchronization

/// A test's hand on the memory of tables: from which mapping on the kernel refuses, and what is mapped and not given
/// back. Bound to the test's task, so that tests beside it have their memory; nil everywhere else.
package final class MappingLedger: Sendable {
  @TaskLocal package static var current: MappingLedger?

  private let grants = Atomic<Int>(.max)
  private let balance = Atomic<Int>(0)

  package init() {}

  /// Grants that many mappings more and refuses all after them.
  package func grant(_ count: Int) { grants.store(count, ordering: .relaxed) }

  /// Octets that were mapped and not given back while this ledger was current.
  package var octets: Int { balance.load(ordering: .relaxed) }

  /// Counts a mapping, or refuses it as the kernel would.
  func take(bytes: Int) throws(FlowTableError) {
    // One task at a time uses a ledger.
    let left = grants.load(ordering: .relaxed)
    guard left > 0 else { throw .mapping(errno: ENOMEM, bytes: bytes) }
    grants.store(left - 1, ordering: .relaxed)
    balance.add(bytes, ordering: .relaxed)
  }

  func giveBack(bytes: Int) { balance.subtract(bytes, ordering: .relaxed) }
}
