import FlowTable

/// What the mirror knows of the kernel's tables: a value, changed by notices, that says which events follow.
///
/// A notice is applied when its effect is certain. Where it is not (several next hops, appended or prepended routes, a
/// link that went up or down: IPv4 routes go with it unannounced, fib_flush in fib_frontend.c), the route family is
/// marked and read again; the difference becomes events. So the outcome always equals a fresh dump.
package struct KernelTables {
  /// The kernel tells routes of one prefix apart by metric. Link-local prefixes exist once per interface on top.
  private struct RouteSlot: Hashable {
    let prefix: Prefix
    let metric: UInt32
    let interface: UInt32
    let kind: KernelRoute.Kind

    init(_ route: KernelRoute) {
      prefix = route.prefix
      metric = route.metric
      interface = route.prefix.address.isLinkLocal ? route.interface : 0
      // The local and the main table may hold the same prefix and metric: an address, and its connected route.
      kind = route.kind == .local ? .local : .unicast
    }
  }

  private struct RouteEntry: Hashable {
    var route: KernelRoute
    /// The kernel has more next hops or routes in this slot: a change here needs a fresh look.
    var hasAlternatives: Bool
  }

  private struct NeighborSlot: Hashable {
    let interface: UInt32
    let address: IPAddress
  }

  private var links: [UInt32: KernelLink] = [:]
  private var routes: [RouteSlot: RouteEntry] = [:]
  private var neighbors: [NeighborSlot: MACAddress] = [:]

  /// Families whose routes must be read again before the mirror is right.
  package private(set) var staleRoutes: Set<AddressFamily> = []

  package init() {}

  /// Everything known, as a full set of events: links, then neighbours, then routes.
  package var events: [KernelEvent] {
    links.values.map(\.event)
      + neighbors.map { .neighborChanged(KernelNeighbor(interface: $0.interface, address: $0.address, mac: $1)) }
      + routes.values.map { .routeAdded($0.route) }
  }

  /// Takes one notification and appends the events it causes.
  package mutating func apply(_ notice: KernelNotice, _ events: inout [KernelEvent]) {
    switch notice {
    case .link(let link): change(link, &events)
    case .linkGone(let interface): removeLink(interface, &events)
    case .route(let notice): change(notice, &events)
    case .routeGone(let notice): remove(notice, &events)
    case .neighbor(let interface, let address, let mac):
      change(NeighborSlot(interface: interface, address: address), mac, &events)
    case .neighborGone(let interface, let address):
      change(NeighborSlot(interface: interface, address: address), nil, &events)
    case .ipv4AddressGone: staleRoutes.insert(.ipv4)
    }
  }

  /// Takes one entry of a first dump, in the kernel's order: of several routes in one slot the first is the one in use.
  package mutating func load(_ notice: KernelNotice) {
    switch notice {
    case .link(let link): links[link.interface] = link
    case .neighbor(let interface, let address, let mac):
      neighbors[NeighborSlot(interface: interface, address: address)] = mac
    case .route(let notice) where !notice.isDead: load(notice, into: &routes)
    default: break
    }
  }

  /// Replaces what is known of one family's routes by a fresh dump and appends the differences.
  package mutating func refresh(_ family: AddressFamily, _ dump: [RouteNotice], _ events: inout [KernelEvent]) {
    var fresh: [RouteSlot: RouteEntry] = [:]
    for notice in dump where !notice.isDead { load(notice, into: &fresh) }
    let known = routes.filter { $0.key.prefix.family == family }
    for (slot, entry) in fresh {
      if known[slot]?.route != entry.route { events.append(.routeAdded(entry.route)) }
      routes[slot] = entry
    }
    for (slot, entry) in known where fresh[slot]?.route != entry.route {
      if fresh[slot] == nil { routes[slot] = nil }
      events.append(.routeRemoved(entry.route))
    }
    staleRoutes.remove(family)
  }

  private func load(_ notice: RouteNotice, into routes: inout [RouteSlot: RouteEntry]) {
    let slot = RouteSlot(notice.route)
    if routes[slot] != nil {
      routes[slot]?.hasAlternatives = true
    } else {
      routes[slot] = RouteEntry(route: notice.route, hasAlternatives: notice.hasAlternatives)
    }
  }

  private mutating func change(_ link: KernelLink, _ events: inout [KernelEvent]) {
    let known = links[link.interface]
    guard known != link else { return }
    links[link.interface] = link
    events.append(link.event)
    if known?.up != link.up { staleRoutes = [.ipv4, .ipv6] }
  }

  private mutating func removeLink(_ interface: UInt32, _ events: inout [KernelEvent]) {
    guard var link = links.removeValue(forKey: interface) else { return }
    link.up = false
    events.append(link.event)
    staleRoutes = [.ipv4, .ipv6]
  }

  private mutating func change(_ notice: RouteNotice, _ events: inout [KernelEvent]) {
    let slot = RouteSlot(notice.route)
    let entry = RouteEntry(route: notice.route, hasAlternatives: notice.hasAlternatives)
    let known = routes[slot]
    if notice.isDead {
      staleRoutes.insert(slot.prefix.family)
    } else if known == nil {
      routes[slot] = entry
      events.append(.routeAdded(entry.route))
    } else if let known, known == entry, !known.hasAlternatives {
      return
    } else if let known, !known.hasAlternatives, notice.replaces {
      routes[slot] = entry
      guard known.route != entry.route else { return }
      // The new one first: between the two events the consumer must not find itself without a route.
      events += [.routeAdded(entry.route), .routeRemoved(known.route)]
    } else {
      staleRoutes.insert(slot.prefix.family)
    }
  }

  private mutating func remove(_ notice: RouteNotice, _ events: inout [KernelEvent]) {
    let slot = RouteSlot(notice.route)
    guard let known = routes[slot] else { return }
    guard !known.hasAlternatives, !notice.hasAlternatives, known.route == notice.route else {
      staleRoutes.insert(slot.prefix.family)
      return
    }
    routes[slot] = nil
    events.append(.routeRemoved(known.route))
  }

  private mutating func change(_ slot: NeighborSlot, _ mac: MACAddress?, _ events: inout [KernelEvent]) {
    guard neighbors[slot] != mac else { return }
    neighbors[slot] = mac
    if let mac {
      events.append(.neighborChanged(KernelNeighbor(interface: slot.interface, address: slot.address, mac: mac)))
    } else {
      events.append(.neighborRemoved(interface: slot.interface, address: slot.address))
    }
  }
}

extension KernelLink {
  fileprivate var event: KernelEvent {
    .linkChanged(interface: interface, name: name, up: up, mtu: mtu, mac: mac)
  }
}
