import ControlPlane
import Testing

/// Slots of bindings that flush, looked at a few at a time.
@Suite struct FlushListTests {
  /// A mobile node that goes to and fro: its slot is one entry for ever, whether others flush meanwhile or not.
  @Test(arguments: [false, true])
  func slotsThatComeAndGoDoNotAddUp(_ isAlone: Bool) {
    var list = FlushList()
    if !isAlone { list.insert(7) }
    for round in 0..<10_000 {
      list.insert(3)
      if round % 3 == 0 { _ = list.next(1) }
      list.remove(3)
    }
    list.insert(3)
    #expect(list.length == (isAlone ? 1 : 2))
    #expect(list.next(1024).sorted() == (isAlone ? [3] : [3, 7]))
  }

  /// Every member is met once in a round of looks, and none that was removed.
  @Test func everyMemberIsMet() {
    var list = FlushList()
    for slot in 0..<100 { list.insert(UInt32(slot)) }
    for slot in stride(from: 0, to: 100, by: 3) { list.remove(UInt32(slot)) }
    for slot in stride(from: 0, to: 100, by: 6) { list.insert(UInt32(slot)) }
    var members: Set<UInt32> = []
    for slot: UInt32 in 0..<100 where slot % 3 != 0 || slot % 6 == 0 { members.insert(slot) }
    var met: Set<UInt32> = []
    for _ in 0..<20 { met.formUnion(list.next(7)) }
    #expect(met == members && list.length == members.count)
    for slot in members { list.remove(slot) }
    #expect(list.isEmpty && list.length == 0 && list.next(7).isEmpty)
  }
}
