import ControlProtocol

/// What the golden frames mean, in this library's types; the octets come from Golden/make_golden.py.
enum GoldenModel {
  static let lmaa = WireAddress(ipv6High: 0x2001_0db8_0001_0000, low: 1)
  static let mag1 = WireAddress(ipv6High: 0x2001_0db8_000a_0000, low: 1)
  static let mag2 = WireAddress(ipv6High: 0x2001_0db8_000b_0000, low: 1)
  static let atLMA = WireTunnel(local: lmaa, remote: mag1)
  static let atMAG = WireTunnel(local: mag1, remote: lmaa)
  static let peers = WireTunnel(local: mag1, remote: mag2)

  static func prefix(_ high: UInt64, low: UInt64 = 0, _ length: Int) -> WirePrefix {
    WirePrefix(address: WireAddress(ipv6High: high, low: low), length: length)!
  }

  static func prefix(ipv4 value: UInt32, _ length: Int) -> WirePrefix {
    WirePrefix(address: WireAddress(ipv4: value), length: length)!
  }

  static let hnp1 = prefix(0x2001_0db8_0100_0001, 64)
  static let hnp2 = prefix(0x2001_0db8_0100_0002, 64)
  static let home = prefix(0x2001_0db8_0100_0001, low: 5, 128)
  static let hoaV4 = prefix(ipv4: 0xcb00_710a, 32)
  static let visitorPrefix = prefix(0x2001_0db8_aaaa_0000, 64)

  static let lmaV6 = BindingRecord(prefix: hnp1, tunnel: atLMA, lifetime: 3600)
  static let lmaV4 = BindingRecord(prefix: hoaV4, tunnel: atLMA, state: .pending)
  static let magFull = BindingRecord(
    table: .mobile, prefix: home, tunnel: atMAG, state: .redirecting, localRouting: true,
    access: .init(port: "access1", mac: 0x0200_0000_0110, vlan: 100), greUp: 0xdead_beef, greDown: 7, peer: peers,
    mobileNode: "mn1@example")
  static let magShort = BindingRecord(
    prefix: hnp2, tunnel: atMAG, localRouting: false, access: .init(port: "access1", mac: 0x0200_0000_0210))
  static let mipIPv4 = BindingRecord(
    table: .mobile, prefix: prefix(ipv4: 0xc633_6400, 24),
    tunnel: WireTunnel(local: WireAddress(ipv4: 0xc000_0201), remote: WireAddress(ipv4: 0xc000_0209)), lifetime: 1)
  static let tunnelAll = TunnelRecord(
    tunnel: atLMA, isStatic: true, hopLimit: 64, mtu: .octets(1460), encapsulationLimit: .limit(4), dscp: .fixed(46),
    ecn: .compatibility)
  static let tunnelDefaults = TunnelRecord(tunnel: WireTunnel(local: lmaa, remote: mag2))
  static let tunnelNamed = TunnelRecord(
    tunnel: atLMA, mtu: .automatic, encapsulationLimit: TunnelRecord.EncapsulationLimit.none, dscp: .copy,
    ecn: .rfc6040, users: 3)
  static let routePeer = LocalizedRouteRecord(
    from: hnp1, to: hnp2, via: .tunnel(peers), receiveOnly: true, lifetime: 30)
  static let routeLocal = LocalizedRouteRecord(from: hoaV4, to: prefix(ipv4: 0xcb00_710b, 32), via: .local)
  static let visitor = VisitorRecord(prefix: visitorPrefix, port: "access1")
  static let peerFailed = PeerRecord(address: mag1, state: .failed)
  static let otherPeer = WireAddress(ipv4: 0xc000_0209)
  static let traffic = TrafficRecord(upPackets: 10, upBytes: 1000, downPackets: 20, downBytes: 2000)

  /// Request, request id and flags of each golden request.
  static let requests = firstRequests.merging(sessionRequests) { first, _ in first }

  private static let firstRequests: [String: (Request, UInt32, FrameFlags)] = [
    "hello-request": (.hello(HelloRequest(minor: 0, client: "fastpathctl")), 1, []),
    "upsert-lma": (upsert(.binding(lmaV6), .binding(lmaV4)), 2, .atomic),
    "upsert-mag": (upsert(.binding(magFull)), 3, [.atomic, .quiesced]),
    "upsert-mag-short": (upsert(.binding(magShort), .binding(mipIPv4)), 4, []),
    "upsert-tunnels": (upsert(.tunnel(tunnelAll), .tunnel(tunnelDefaults)), 5, .atomic),
    "upsert-routes": (upsert(.route(routePeer), .route(routeLocal)), 6, .atomic),
    "upsert-visitor": (upsert(.visitor(visitor)), 7, .atomic),
    "upsert-mixed": (
      upsert(.tunnel(tunnelAll), .binding(lmaV6), .route(routeLocal), .visitor(visitor)), 8, .atomic
    ),
    "delete-expect": (
      .delete(DeleteRequest(keys: [.binding(.proxy, hnp1, expect: mag1), .binding(.mobile, home, expect: nil)])), 9,
      .atomic
    ),
    "delete-mixed": (
      .delete(DeleteRequest(keys: [.tunnel(atLMA), .route(from: hnp1, to: hnp2), .visitor(visitorPrefix)])), 10, []
    ),
    "upsert-peers": (upsert(.peer(peerFailed), .peer(PeerRecord(address: otherPeer, state: .alive))), 18, .atomic),
    "delete-peer": (.delete(DeleteRequest(keys: [.peer(mag1)])), 19, .atomic),
    "delete-remote": (
      .delete(DeleteRequest(keys: [.bindings(remote: mag1, nil), .bindings(remote: otherPeer, .mobile)])), 20, .atomic
    ),
    "lookup-address": (.lookup(.address(WireAddress(ipv4: 0xcb00_710a))), 11, []),
    "lookup-prefix": (.lookup(.prefix(hnp1)), 12, []),
    "lookup-tunnel": (.lookup(.tunnel(atLMA)), 13, []),
    "lookup-route": (.lookup(.route(from: hnp1, to: hnp2)), 14, []),
    "dump-request": (.dump(DumpRequest()), 15, []),
    "status-request": (.status, 16, []),
    "counters-request": (.counters(CountersRequest(all: true)), 17, []),
  ]

  /// Reply, raw type, request id and whether more follows, of each golden reply.
  static let replies = firstReplies.merging(sessionReplies) { first, _ in first }

  private static let firstReplies: [String: (Reply, UInt16, UInt32, Bool)] = [
    "hello-reply": (
      .hello(
        HelloReply(
          minor: 0, access: .write, role: .lma, bootID: (0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f), generation: 42,
          limits: Limits(payloadOctets: 4_194_304, recordsPerFrame: 65536),
          tables: [
            .init(number: 1, recordSize: 192, entries: 1_000_000, capacity: 16_777_216),
            .init(number: 2, recordSize: 64, entries: 2, capacity: 65536),
            .init(number: 3, recordSize: 80, entries: 0, capacity: 65536),
            .init(number: 4, recordSize: 48, entries: 0, capacity: 65536),
          ], software: "fastpath 0.1.0")), 1, 1, false
    ),
    "outcome-ok": (.outcome(Outcome(applied: 2, unchanged: 1, generation: 43)), 2, 2, false),
    "outcome-stale": (
      .failure(
        .stale,
        Outcome(
          failed: 1,
          firstFailure: .init(index: 1, code: .stale, field: "expect", rule: "the tunnel is 2001:db8:b::1"),
          generation: 43)), 3, 9, false
    ),
    "failure-unsupported": (.failure(.unsupported, DecodeError.unsupportedType(99).outcome), 99, 77, false),
    "lookup-reply": (
      .lookup([
        LookupEntry(record: .binding(lmaV6), traffic: traffic),
        LookupEntry(record: .tunnel(tunnelNamed), traffic: traffic),
      ]), 4, 12, false
    ),
    "dump-slice": (
      .dump(DumpSlice(table: .bindings, cookie: 7, generation: 43, records: [.binding(lmaV6), .binding(lmaV4)])), 5,
      15, false
    ),
    "dump-peers": (
      .dump(DumpSlice(table: .peers, cookie: 1, generation: 43, records: [.peer(peerFailed)])), 5, 21, false
    ),
    "dump-end": (.dump(DumpSlice(table: nil, cookie: 0, generation: 43, records: [])), 5, 15, false),
    "status-reply": (
      .status([.init(key: "role", value: "lma"), .init(key: "warning.0", value: "rx ring of core: ½ full")]), 6, 16,
      false
    ),
    "counters-reply": (
      .counters([
        .init(name: "rx.core", value: 12_345_678_901_234_567_890), .init(name: "drop.no-binding", value: 0),
      ]), 7, 17, true
    ),
  ]

  private static func upsert(_ records: TableRecord...) -> Request { .upsert(UpsertRequest(records: records)) }
}
