/// The names of mobile nodes, each once, and numbers for them: a binding names its mobile node in four octets, and
/// comparing two is comparing numbers.
final class MobileNodeNames {
  /// 0 is no name.
  typealias ID = UInt32

  private struct Name: SlotEntry {
    let slotKey: String
    /// Bindings and notes of the journal that have it.
    var users = 1
  }

  private let names = SlotMap<Name>()

  /// One user more of a name; 0 for none.
  func use(_ name: String?) -> ID {
    guard let name else { return 0 }
    let hash = names.hash(name)
    if let slot = names.find(name, hash) {
      names[slot]?.users += 1
      return slot + 1
    }
    return names.insert(Name(slotKey: name), hash) + 1
  }

  /// One user more of a name that has some.
  func retain(_ id: ID) {
    if id != 0 { names[id - 1]?.users += 1 }
  }

  /// One user less; a name without any is forgotten.
  func release(_ id: ID) {
    guard id != 0, let name = names[id - 1] else { return }
    guard name.users == 1 else {
      names[id - 1]?.users -= 1
      return
    }
    names.unlink(id - 1)
    names.release(id - 1)
  }

  subscript(id: ID) -> String? { id == 0 ? nil : names[id - 1]?.slotKey }
}

extension String: SlotKey {
  /// The standard library's hash, which has a secret of its own.
  func hash(_ secret: SlotSecret) -> UInt64 { UInt64(bitPattern: Int64(hashValue)) }
}
