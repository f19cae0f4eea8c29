/// A reply, decoded or to be sent.
public enum Reply: Hashable, Sendable {
  case hello(HelloReply)
  /// To requests that change something, SUBSCRIBE and BARRIER with status `ok`.
  case outcome(Outcome)
  /// To any request, with a status other than `ok`.
  case failure(StatusCode, Outcome)
  case lookup([LookupEntry])
  /// One frame of a dump; the one without records ends it.
  case dump(DumpSlice)
  /// With flag MORE another frame follows.
  case status([StatusItem])
  /// With flag MORE another frame follows.
  case counters([CounterItem])
  case ping(PingPayload)
  /// Belongs to a SUBSCRIBE that was answered before.
  case event(EventReport)
  case statistics(StatisticsReply)

  /// Reads the payload of a reply whose header was decoded.
  public init(header: FrameHeader, payload: RawSpan, limits: Limits) throws(DecodeError) {
    guard payload.byteCount == header.payloadLength else {
      throw .truncated(what: "payload", need: Int(header.payloadLength), have: payload.byteCount)
    }
    guard header.reserved == 0 else { throw .reservedNotZero(field: "header.reserved") }
    guard header.flags.contains(.reply), header.flags.isSubset(of: [.reply, .more]) else {
      throw .unknownValue(field: "header.flags", value: UInt64(header.flags.rawValue))
    }
    guard header.status == 0 else {
      // A status that a newer daemon added is still a failure.
      let status = StatusCode(rawValue: header.status) ?? .internalFailure
      self = .failure(status, try Outcome(payload: payload))
      return
    }
    guard let type = MessageType(rawValue: header.type) else { throw .unsupportedType(header.type) }
    switch type {
    case .hello: self = .hello(try HelloReply(header: header, payload: payload))
    case .upsert, .delete, .barrier, .transactionBegin, .transactionCommit, .transactionAbort, .syncBegin, .syncEnd,
      .subscribe:
      self = .outcome(try Outcome(payload: payload))
    case .lookup: self = .lookup(try LookupEntry.decode(header: header, payload: payload, limits: limits))
    case .dump: self = .dump(try DumpSlice(header: header, payload: payload, limits: limits))
    case .status: self = .status(try StatusItem.decode(header: header, payload: payload, limits: limits))
    case .counters: self = .counters(try CounterItem.decode(header: header, payload: payload, limits: limits))
    case .ping: self = .ping(try PingPayload(payload: payload))
    case .event: self = .event(try EventReport(header: header, payload: payload, limits: limits))
    case .statistics: self = .statistics(try StatisticsReply(payload: payload))
    }
  }

  /// Appends the whole frame, header included.
  ///
  /// - Parameter type: the raw type of the request, so that an unknown one can be answered too.
  /// - Parameter more: STATUS and COUNTERS only: another frame follows.
  public func encode(type: UInt16, requestID: UInt32, more: Bool = false, into buffer: inout [UInt8]) {
    var header = FrameHeader(type: .hello, flags: more ? [.reply, .more] : .reply, requestID: requestID)
    header.type = type
    switch self {
    case .hello(let reply):
      header.count = UInt32(reply.tables.count)
      header.recordSize = UInt16(HelloReply.Table.wireSize)
      buffer.appendFrame(header) { reply.encode(into: &$0) }
    case .outcome(let outcome): buffer.appendFrame(header) { outcome.encode(into: &$0) }
    case .failure(let status, let outcome):
      header.status = status.rawValue
      buffer.appendFrame(header) { outcome.encode(into: &$0) }
    case .lookup(let entries): LookupEntry.encode(entries, header: header, into: &buffer)
    case .dump(let slice): slice.encode(header: header, into: &buffer)
    case .status(let items):
      header.count = UInt32(items.count)
      buffer.appendFrame(header) { for item in items { item.encode(into: &$0) } }
    case .counters(let items):
      header.count = UInt32(items.count)
      buffer.appendFrame(header) { for item in items { item.encode(into: &$0) } }
    case .ping(let payload): buffer.appendFrame(header) { payload.encode(into: &$0) }
    case .event(let report): report.encode(header: header, into: &buffer)
    case .statistics(let reply): buffer.appendFrame(header) { reply.encode(into: &$0) }
    }
  }
}
