/// The memories that are handed out in blocks of units.
enum AuditedBlocks: String, CaseIterable, CustomStringConvertible {
  case trieNodes = "trie nodes"
  case trieLeaves = "trie leaves"
  case localizedRoutes = "localized routes"

  var description: String { rawValue }
  var number: Int { Self.allCases.firstIndex(of: self) ?? 0 }
  var next: AuditedBlocks? { Self.allCases.drop { $0 != self }.dropFirst().first }

  func neverUsed(_ writer: TableWriter) -> Int {
    switch self {
    case .trieNodes: writer.routeTrie.nodes.neverUsed
    case .trieLeaves: writer.routeTrie.leaves.neverUsed
    case .localizedRoutes: writer.localizedRoutes.pool.neverUsed
    }
  }

  func chunks(_ writer: TableWriter) -> [BlockPool.Chunk] {
    switch self {
    case .trieNodes: writer.routeTrie.nodes.chunks
    case .trieLeaves: writer.routeTrie.leaves.chunks
    case .localizedRoutes: writer.localizedRoutes.pool.chunks
    }
  }

  /// The first word of a block that lies inside the memory.
  func firstWord(_ block: UInt32, _ writer: TableWriter) -> UInt32 {
    // By the caller's check.
    switch self {
    case .trieNodes: unsafe writer.routeTrie.nodes.pointer(block).load(as: UInt32.self)
    case .trieLeaves: unsafe writer.routeTrie.leaves.pointer(block).load(as: UInt32.self)
    case .localizedRoutes: unsafe writer.localizedRoutes.pool.pointer(block).load(as: UInt32.self)
    }
  }
}

extension TableAudit {
  func marks(_ blocks: AuditedBlocks) -> IndexMarks { blockMarks[blocks.number] }

  // MARK: Blocks that are free or wait

  /// What is free in each chunk: in an unchanged table only, since its blocks are a chain.
  func checkFreedBlocks(_ blocks: AuditedBlocks, _ budget: Int) -> Int {
    let chunks = blocks.chunks(writer)
    var done = 0
    while isUnchanged && done < budget && position < chunks.count {
      done += checkChunk(chunks[position], position, blocks)
      position += 1
    }
    guard !isUnchanged || position == chunks.count else { return done }
    return done + enter(blocks.next.map { .freedBlocks($0) } ?? .retiredBlocks)
  }

  /// The blocks of one chunk that were given back, and its units that were never cut.
  ///
  /// - Returns: how many units those are, and one.
  private func checkChunk(_ chunk: BlockPool.Chunk, _ number: Int, _ blocks: AuditedBlocks) -> Int {
    let first = BlockPool.firstUnit(number)
    let cut = chunk.cut * chunk.units
    func place() -> String { "chunk \(number) of \(blocks)" }
    var block = chunk.firstFreed
    var left = chunk.cut - chunk.taken
    while left > 0, first..<first + cut ~= Int(block), claim(block, chunk.units, blocks, isFree: true, place()) {
      // Just checked to be inside the memory.
      block = blocks.firstWord(block, writer)
      left -= 1
    }
    if left != 0 || block != 0 {
      log.note(.accounting, place(), "its free blocks end at \(block), \(left) before what it counts")
    }
    for unit in first + cut..<first + BlockPool.chunkUnits {
      _ = claim(UInt32(unit), 1, blocks, isFree: true, place())
    }
    return 1 + BlockPool.chunkUnits - chunk.taken * chunk.units
  }

  /// Blocks that a reader may still be in, the trie's and then those of localized routes, oldest first; in an unchanged
  /// table only.
  func checkRetiredBlocks(_ budget: Int) -> Int {
    let trie = writer.routeTrie
    let items = trie.garbage[trie.firstGarbage...]
    let localized = writer.localizedRoutes.waiting[writer.localizedRoutes.firstWaiting...]
    let count = items.count + localized.count
    let end = isUnchanged ? min(count, position + budget) : position
    for number in position..<max(position, end) {
      let place = "replaced block \(number)"
      if number < items.count {
        let item = items[items.startIndex + number]
        _ = claim(item.block, item.count, item.isLeaves ? .trieLeaves : .trieNodes, isFree: false, place)
        checkOrder(item.generation, number == 0 ? 0 : items[items.startIndex + number - 1].generation, place)
      } else {
        let index = localized.startIndex + number - items.count
        _ = claim(localized[index].block, localized[index].units, .localizedRoutes, isFree: false, place)
        checkOrder(
          localized[index].generation, index == localized.startIndex ? 0 : localized[index - 1].generation, place)
      }
    }
    let done = end - position
    position = end
    return !isUnchanged || end == count ? done + enter(.trie) : done
  }

  private func checkOrder(_ generation: UInt64, _ before: UInt64, _ place: String) {
    if generation > writer.generation || generation < before {
      log.note(.retired, place, "waits for \(generation), after \(before)")
    }
  }

  /// Marks the units of a block.
  ///
  /// - Returns: false if it is no block, or not all of it was unmarked.
  func claim(
    _ block: UInt32, _ count: Int, _ blocks: AuditedBlocks, isFree: Bool, _ place: @autoclosure () -> String
  ) -> Bool {
    let marks = marks(blocks)
    let units = BlockPool.sizes.first { $0 >= count } ?? count
    for unit in 0..<units {
      let index = block &+ UInt32(unit)
      let answer = isFree ? marks.markFree(index) : marks.markHeld(index)
      if answer != .isNew {
        log.note(.accounting, place(), "\(index) of \(blocks) \(answer.words)")
        return false
      }
    }
    return true
  }

  // MARK: Localized routes

  /// Blocks of localized routes by their place in memory, after the bindings that name them and before the tunnels that
  /// they name.
  func checkLocalizedRoutes(_ budget: Int) -> Int {
    let blocks = writer.localizedRoutes
    let end = min(blocks.pool.neverUsed, position + budget)
    for unit in position..<max(position, end) {
      guard let block = blocks.live[UInt32(unit)] else { continue }
      checkBlock(UInt32(unit), block)
    }
    let done = max(1, end - position)
    position = max(position, end)
    guard position >= blocks.pool.neverUsed else { return done }
    let routes = blocks.live.values.reduce(0) { $0 + $1.routes }
    if routes != blocks.routeCount {
      log.note(.counts, "localized routes", "\(routes) in all blocks, counted \(blocks.routeCount)")
    }
    for (number, count) in blockUsers where isUnchanged && blocks.live[number] == nil {
      log.note(.target, "localized routes \(number)", "do not exist, but \(count) bindings name them")
    }
    return done + enter(.tunnels)
  }

  private func checkBlock(_ number: UInt32, _ block: LocalizedRouteBlocks.Block) {
    let blocks = writer.localizedRoutes
    let place = "localized routes \(number)"
    // Its numbers come from the pool, so it is inside the memory.
    let written = unsafe blocks.pool.pointer(number).load(as: UInt64.self)
    guard written == block.routes else {
      log.note(.localizedRoutes, place, "says it has \(written) routes, not \(block.routes)")
      return
    }
    if isUnchanged {
      _ = claim(number, LocalizedRouteRecord.units(block.routes), .localizedRoutes, isFree: false, place)
      if block.users != blockUsers[number] ?? 0 || (block.isEnded && block.users == 0) {
        log.note(.localizedRoutes, place, "is named by \(blockUsers[number] ?? 0) bindings, not \(block.users)")
      }
    }
    var shortest = Int.max
    for position in 0..<block.routes {
      let record = blocks.record(number, position)
      let mask = record.lengthClass.mask
      if Int(record.lengthClass.rawValue) >= LengthClass.count || record.lengthClass.length > shortest
        || record.high & ~mask.high | record.low & ~mask.low != 0
      {
        log.note(.localizedRoutes, place, "route \(position) is no prefix, or longer than the one before")
      }
      shortest = record.lengthClass.length
      guard writer.tunnels.exists(TunnelID(record.tunnel)) else {
        log.note(.target, place, "names tunnel \(record.tunnel), which does not exist")
        continue
      }
      if Int(record.tunnel) < users.count { users[Int(record.tunnel)] += 1 }
    }
  }
}
