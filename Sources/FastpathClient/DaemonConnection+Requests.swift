import ControlProtocol

// The requests, each with its reply awaited. A refusal is thrown as `ClientError.refused`.

extension DaemonConnection {
  /// HELLO again, for generation and digests as they are now.
  @discardableResult
  public func refresh(owner: UInt32 = 0, name: String) throws(ClientError) -> HelloReply {
    hello = try sayHello(HelloRequest(owner: owner, client: name))
    return hello
  }

  func sayHello(_ request: HelloRequest) throws(ClientError) -> HelloReply {
    guard case .hello(let reply) = try call(.hello(request)).reply else { throw unexpected(.hello) }
    guard reply.major == Limits.majorVersion else { throw .version(reply.major) }
    return reply
  }

  /// Sets records; each replaces the one with its key.
  ///
  /// - Parameter flags: `.atomic`, all of them or none; `.quiesced`, answered when no packet uses what they replaced.
  public func upsert(_ records: [TableRecord], flags: FrameFlags = []) throws(ClientError) -> Outcome {
    guard records.count <= hello.limits.recordsPerFrame else { throw .tooLarge(hello.limits) }
    return try outcome(.upsert(UpsertRequest(records: records)), flags: flags)
  }

  /// Deletes by key; what is absent counts as unchanged.
  public func delete(_ keys: [TableKey], flags: FrameFlags = []) throws(ClientError) -> Outcome {
    guard keys.count <= hello.limits.recordsPerFrame else { throw .tooLarge(hello.limits) }
    return try outcome(.delete(DeleteRequest(keys: keys)), flags: flags)
  }

  /// Waits until no packet uses anything older than what this connection's requests so far have published.
  @discardableResult
  public func barrier() throws(ClientError) -> Outcome { try outcome(.barrier) }

  /// Asks for a sign of life; the octets (0 to 8) come back.
  public func ping(_ payload: PingPayload) throws(ClientError) {
    guard case .ping(payload) = try call(.ping(payload)).reply else { throw unexpected(.ping) }
  }

  /// The entries that the key finds; none is `refused` as not found.
  public func lookup(_ request: LookupRequest) throws(ClientError) -> [LookupEntry] {
    guard case .lookup(let entries) = try call(.lookup(request)).reply else { throw unexpected(.lookup) }
    return entries
  }

  /// Gives the records of a table, or of all in an order that is a valid input, a slice at a time as they come.
  ///
  /// - Parameter slice: what it throws ends the dump, whose rest is read and dropped.
  public func dump(
    _ table: TableNumber? = nil, slice: ([TableRecord]) throws(ClientError) -> Void
  ) throws(ClientError) {
    let id = try send(.dump(DumpRequest(table: table)))
    var failure: ClientError?
    while true {
      guard case .dump(let part) = try reply(to: id).reply else { throw unexpected(.dump) }
      if part.records.isEmpty { break }
      guard failure == nil else { continue }
      do throws(ClientError) { try slice(part.records) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// What the daemon says of itself, in its order.
  public func status() throws(ClientError) -> [StatusItem] {
    var items: [StatusItem] = []
    let id = try send(.status)
    while true {
      let received = try reply(to: id)
      guard case .status(let part) = received.reply else { throw unexpected(.status) }
      items += part
      guard received.more else { return items }
    }
  }

  /// - Parameter all: zero values too.
  public func counters(all: Bool = false) throws(ClientError) -> [CounterItem] {
    var items: [CounterItem] = []
    let id = try send(.counters(CountersRequest(all: all)))
    while true {
      let received = try reply(to: id)
      guard case .counters(let part) = received.reply else { throw unexpected(.counters) }
      items += part
      guard received.more else { return items }
    }
  }

  /// All entries of this connection's owner in the tables become stale; those that are not said again until `endSync` go then.
  @discardableResult
  public func beginSync(_ scope: TableScope = TableScope()) throws(ClientError) -> Outcome {
    try outcome(.syncBegin(scope))
  }

  /// Sweeps what is still stale.
  ///
  /// - Parameter count: different entries said since `beginSync`; when the daemon counts otherwise it is refused as
  ///   `conflict` and nothing goes.
  /// - Returns: an outcome whose `removed` says how many went.
  @discardableResult
  public func endSync(count: UInt64) throws(ClientError) -> Outcome {
    try outcome(.syncEnd(SyncEndRequest(count: count)))
  }

  /// Hears of these kinds from now on; a subscription replaces the one before it.
  public func subscribe(to mask: EventMask = .all) throws(ClientError) { _ = try outcome(.subscribe(mask)) }

  /// The next event, or nil when none came within the limit. After `overflow`, what the tables have is to be dumped again.
  public func nextEvent(within limit: Duration) throws(ClientError) -> EventReport? {
    if let event = events.next() { return event }
    try readEvents(within: limit)
    return events.next()
  }

  /// Sends a request whose reply is an outcome.
  public func outcome(_ request: Request, flags: FrameFlags = []) throws(ClientError) -> Outcome {
    guard case .outcome(let outcome) = try call(request, flags: flags).reply else { throw unexpected(request.type) }
    return outcome
  }

  /// Sends a frame that was encoded before and whose reply is an outcome.
  public func outcome(frame: [UInt8]) throws(ClientError) -> Outcome {
    let id = try send(frame: frame)
    guard case .outcome(let outcome) = try reply(to: id).reply else {
      throw .notUnderstood("it answered with something else than an outcome")
    }
    return outcome
  }

  func unexpected(_ type: MessageType) -> ClientError {
    .notUnderstood("it answered \(type.name) with something else")
  }
}
