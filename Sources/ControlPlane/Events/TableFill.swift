import ControlProtocol

/// How full one table is.
package struct TableSize: Hashable {
  package let table: TableNumber
  package let entries: Int
  package let capacity: Int

  package init(_ table: TableNumber, _ entries: Int, of capacity: Int) {
    self.table = table
    self.entries = entries
    self.capacity = capacity
  }
}

/// Notices when a table becomes nearly full, once for each crossing: from nine tenths on, until it is below eight.
package struct TableFill {
  private var nearlyFull: Set<TableNumber> = []

  package init() {}

  /// - Returns: tables that have crossed, and whether they are nearly full now.
  package mutating func look(_ sizes: [TableSize]) -> [(TableSize, isNearlyFull: Bool)] {
    var crossings: [(TableSize, isNearlyFull: Bool)] = []
    for size in sizes {
      if nearlyFull.contains(size.table) {
        guard size.entries * 10 < size.capacity * 8 else { continue }
        nearlyFull.remove(size.table)
        crossings.append((size, false))
      } else if size.entries * 10 >= size.capacity * 9 {
        nearlyFull.insert(size.table)
        crossings.append((size, true))
      }
    }
    return crossings
  }
}
