/// Few keys: several lengths go through the passes together. One length at a time, their memory accesses would have
/// nothing to overlap with.
extension BatchLookup {
  /// As many lengths at once as there are places for; `count` is at least 1 and at most half of `width`.
  ///
  /// - Returns: how many keys stay without a match; they are the first of `pending`.
  func resolveTogether(
    _ lengths: inout LengthSet, _ keys: UnsafePointer<LookupKey>, _ count: Int, _ scratch: Scratch,
    into results: UnsafeMutablePointer<UInt32>
  ) -> Int {
    let used = unsafe loadTogether(&lengths, keys, count, scratch)
    selectCandidates(used &* count, scratch)
    return unsafe compareTogether(used, keys, count, scratch, into: results)
  }

  /// The first pass. Takes the lengths out of the set and lists them in `scratch`; returns how many they are.
  func loadTogether(
    _ lengths: inout LengthSet, _ keys: UnsafePointer<LookupKey>, _ count: Int, _ scratch: Scratch
  ) -> Int {
    var used = 0
    while (used &+ 1) &* count <= Self.width, let lengthClass = lengths.removeLongest() {
      // `used` stays below `width / count`, so all places are below `width`.
      unsafe load(keys, count, scratch, lengthClass, from: used &* count)
      unsafe scratch.lengths[used] = lengthClass
      used &+= 1
    }
    return used
  }

  /// The third pass: the longest of a key's lengths that has a record.
  func compareTogether(
    _ used: Int, _ keys: UnsafePointer<LookupKey>, _ count: Int, _ scratch: Scratch,
    into results: UnsafeMutablePointer<UInt32>
  ) -> Int {
    var place = 0
    while place < count {
      // `pending` and `lengths` hold what the first pass went by; all places are below `used * count`.
      let number = unsafe Int(scratch.pending[place])
      let key = unsafe keys + number
      var found: UInt32 = 0
      var length = 0
      while found == 0 && length < used {
        let index = unsafe scratch.candidates[length &* count &+ place]
        if index != 0 {
          let lengthClass = unsafe scratch.lengths[length]
          found = unsafe compare(index, key, lengthClass.mask, lengthClass)
        }
        length &+= 1
      }
      unsafe results[number] = found
      place &+= 1
    }
    return unsafe scratch.keepPending(count, without: results)
  }
}
