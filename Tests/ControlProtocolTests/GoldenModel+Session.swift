import ControlProtocol

/// What the golden frames of minor version 1 mean.
extension GoldenModel {
  static let sessionRequests: [String: (Request, UInt32, FrameFlags)] = [
    "hello-request-owner": (.hello(HelloRequest(minor: 1, owner: 7, client: "accessd")), 22, []),
    "ping-request": (.ping(PingPayload([1, 2, 3, 4, 5, 6, 7, 8])!), 23, []),
    "ping-empty": (.ping(PingPayload()!), 24, []),
    "barrier-request": (.barrier, 25, []),
    "txn-begin": (.transactionBegin(TableScope()), 26, .replace),
    "txn-begin-bindings": (.transactionBegin(TableScope(.bindings)), 27, .replace),
    // zlib.crc32 of the two records of upsert-lma.
    "txn-commit": (.transactionCommit(TransactionCommit(count: 2, checksum: 0xd1f7_282d)), 28, []),
    "txn-abort": (.transactionAbort, 29, []),
    "sync-begin": (.syncBegin(TableScope(.bindings)), 30, []),
    "sync-end": (.syncEnd(SyncEndRequest(count: 5_000_000_000)), 31, []),
    "subscribe-request": (
      .subscribe([EventMask(.changed), EventMask(.expired), EventMask(.pathMTU), EventMask(.peer)]), 32, []
    ),
    "subscribe-end": (.subscribe([]), 33, []),
    "stats-request": (.statistics, 34, []),
  ]

  static let sessionReplies: [String: (Reply, UInt16, UInt32, Bool)] = [
    "hello-reply-stale": (.hello(staleHello), 1, 22, false),
    "hello-reply-busy": (failure(.unavailable, "frame", "1000 connections are open", 0), 1, 0, false),
    "ping-reply": (.ping(PingPayload([1, 2, 3, 4, 5, 6, 7, 8])!), 9, 23, false),
    "ping-empty-reply": (.ping(PingPayload()!), 9, 24, false),
    "barrier-reply": (.outcome(Outcome(generation: 44)), 8, 25, false),
    "txn-begin-reply": (.outcome(Outcome(generation: 44)), 10, 26, false),
    "txn-begin-open": (failure(.conflict, "transaction", "one is open on this connection", 44), 10, 27, false),
    "txn-commit-reply": (.outcome(Outcome(applied: 1, unchanged: 1, removed: 3, generation: 45)), 11, 28, false),
    "txn-commit-conflict": (failure(.conflict, "count", "3 records were said, 2 came", 44), 11, 28, false),
    "txn-commit-full": (failure(.full, "tunnel", "the tunnels are full", 44, index: 1), 11, 28, false),
    "txn-abort-reply": (.outcome(Outcome(generation: 44)), 12, 29, false),
    "sync-begin-reply": (.outcome(Outcome(generation: 45)), 13, 30, false),
    "sync-end-reply": (.outcome(Outcome(removed: 7, generation: 46)), 14, 31, false),
    "sync-end-conflict": (
      failure(.conflict, "count", "the owner has 2 entries, 5000000000 were said", 45), 14, 31, false
    ),
    "subscribe-reply": (.outcome(Outcome(generation: 46)), 15, 32, false),
    "stats-reply": (.statistics(StatisticsReply(size: 136)), 17, 34, false),
    "event-changed-set": event(
      1, 7, .changed, ("event", "changed"), ("operation", "set"), ("owner", "0"), ("table", "pmip"),
      ("prefix", "2001:db8:100:1::/64"), ("tunnel.local", "2001:db8:1::1"), ("tunnel.remote", "2001:db8:b::1"),
      ("lifetime", "3600"), ("state", "active")),
    "event-changed-delete": event(
      2, 8, .changed, ("event", "changed"), ("operation", "delete"), ("owner", "4294967295"),
      ("visitor", "2001:db8:aaaa::/64")),
    "event-expired": event(
      3, 9, .expired, ("event", "expired"), ("table", "pmip"), ("prefix", "203.0.113.10/32"), ("mn", "märzmn1"),
      ("reason", "lifetime")),
    "event-route-expired": event(
      4, 10, .expired, ("event", "route-expired"), ("from", "2001:db8:100:1::/64"), ("to", "2001:db8:100:2::/64")),
    "event-path-mtu": event(
      5, 11, .pathMTU, ("event", "path-mtu"), ("local", "2001:db8:1::1"), ("remote", "2001:db8:a::1"), ("mtu", "1400")),
    "event-overflow": event(99, 12, .overflow, ("event", "overflow"), ("first-lost", "6"), ("lost", "94")),
    "event-bulk": event(
      100, 13, .bulk, ("event", "bulk"), ("operation", "swept"), ("owner", "7"), ("count", "1000000")),
  ]

  /// Digests by Python's zlib.crc32 and whole numbers.
  private static let staleHello = HelloReply(
    minor: 1, access: .write, role: .lma, bootID: (0x0f0e_0d0c_0b0a_0908, 0x0706_0504_0302_0100), generation: 1,
    limits: Limits(payloadOctets: 4_194_304, recordsPerFrame: 65536),
    tables: [
      .init(
        number: 1, recordSize: 192, entries: 2, capacity: 16_777_216, digest: 0x7be5_3d50_66e9_89c6,
        hasStaleEntries: true),
      .init(number: 2, recordSize: 64, entries: 1, capacity: 65536, digest: 0x98f1_7478_fd69_9914),
      .init(number: 3, recordSize: 80, entries: 0, capacity: 65536),
      .init(number: 4, recordSize: 48, entries: 0, capacity: 65536),
      .init(
        number: 5, recordSize: 32, entries: 1, capacity: 65536, digest: 0xf782_2519_aa94_808b, hasStaleEntries: true),
    ], software: "fastpath 0.2.0")

  private static func failure(
    _ code: StatusCode, _ field: String, _ rule: String, _ generation: UInt64, index: Int? = nil
  ) -> Reply {
    .failure(
      code, Outcome(firstFailure: .init(index: index, code: code, field: field, rule: rule), generation: generation))
  }

  private static func event(
    _ sequence: UInt64, _ time: UInt64, _ kind: EventKind, _ items: (String, String)...
  ) -> (Reply, UInt16, UInt32, Bool) {
    let report = EventReport(
      sequence: sequence, time: 1_000_000_000 + time, kind: kind.rawValue,
      items: items.map { StatusItem(key: $0, value: $1) })
    return (.event(report), 16, 32, false)
  }
}
