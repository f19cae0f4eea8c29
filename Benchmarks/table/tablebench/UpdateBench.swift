import FlowTable

/// Upserts of existing bindings to other tunnels, in a shuffled order, with a reader at full speed on the other CPU.
final class UpdateBench {
  private let loaded: LoadedTable
  private let prefixes: [Prefix]
  private let question: Question
  private let order: [Int]
  private var position = 0
  private var changes: [TableWriter.BindingChange] = []

  static let writerCPU = 0
  static let readerCPU = 1

  init(_ prefixes: [Prefix], _ queries: [LookupKey]) throws {
    loaded = try LoadedTable(prefixes)
    self.prefixes = prefixes
    order = Workload.order(prefixes.count)
    question = Question(loaded, queries)
  }

  /// Million upserts a second, `batch` in each `apply`, with a reader.
  func updates(batch: Int) throws -> Double {
    try withReader { _ in
      let start = Processor.seconds()
      var elapsed = 0.0
      var count = 0
      repeat {
        try apply(batch, times: max(1, 4096 / batch))
        count += batch * max(1, 4096 / batch)
        elapsed = Processor.seconds() - start
      } while elapsed < Processor.measured
      return Double(count) / elapsed * 1e-6
    }
  }

  /// The reader's rate beside the writer at full speed, as a share of its rate alone: six turns each.
  func readerShare() throws -> Double {
    try withReader { reader in
      var alone = 0.0
      var beside = 0.0
      for _ in 0..<6 {
        alone += try lookupRate(reader) { Processor.sleep(0.002) }
        beside += try lookupRate(reader) { try apply(256, times: 4) }
      }
      return beside / alone
    }
  }

  private func lookupRate(_ reader: Reader, while work: () throws -> Void) throws -> Double {
    let first = reader.lookups
    let start = Processor.seconds()
    var elapsed = 0.0
    repeat {
      try work()
      elapsed = Processor.seconds() - start
    } while elapsed < 0.1
    return Double(reader.lookups - first) / elapsed
  }

  /// What a control daemon does with decoded records: the changes are made, applied, and what they replaced is reclaimed.
  private func apply(_ batch: Int, times: Int) throws {
    for _ in 0..<times {
      changes.removeAll(keepingCapacity: true)
      for _ in 0..<batch {
        let member = order[position % order.count]
        // Another tunnel in every lap.
        let tunnel = Workload.tunnel(of: member + 1 + position / order.count)
        changes.append(.set(Binding(key: BindingKey(table: .proxy, prefix: prefixes[member]), tunnel: tunnel)))
        position += 1
      }
      try loaded.writer.apply(changes)
      loaded.writer.reclaim()
    }
  }

  private func withReader<Figure>(_ body: (Reader) throws -> Figure) throws -> Figure {
    try Processor.pin(Self.writerCPU)
    let reader = try Reader(question, cpu: Self.readerCPU)
    defer { reader.stop() }
    let figure = try body(reader)
    try Processor.pin(Self.readerCPU)
    return figure
  }
}
