/// Numbers 1…capacity, the last one given back first, so that little memory is ever touched.
struct FreeList: ~Copyable {
  private let freed: LazyArray<UInt32>
  private var freedCount = 0
  private var neverTaken: UInt32 = 1
  private let capacity: Int

  init(capacity: Int) throws(PlaneError) {
    freed = try LazyArray(count: capacity)
    self.capacity = capacity
  }

  /// One more than the highest number that was ever taken.
  var highWater: Int { Int(neverTaken) }

  mutating func take() -> UInt32? {
    if freedCount > 0 {
      freedCount -= 1
      return freed[freedCount]
    }
    guard Int(neverTaken) <= capacity else { return nil }
    neverTaken += 1
    return neverTaken - 1
  }

  mutating func give(_ number: UInt32) {
    freed[freedCount] = number
    freedCount += 1
  }
}
