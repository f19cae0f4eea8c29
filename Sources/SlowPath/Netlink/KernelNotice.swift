import FlowTable

/// One rtnetlink message in the mirror's words, before the mirror has compared it with what it knows.
package enum KernelNotice: Hashable, Sendable {
  case link(KernelLink)
  case linkGone(interface: UInt32)
  case route(RouteNotice)
  case routeGone(RouteNotice)
  /// `mac` is nil while the entry is unusable (incomplete, failed).
  case neighbor(interface: UInt32, address: IPAddress, mac: MACAddress?)
  case neighborGone(interface: UInt32, address: IPAddress)
  /// An IPv4 address was deleted. Kernels before 6.6 remove routes that preferred it without a word.
  case ipv4AddressGone
}

/// What the mirror keeps of a link.
package struct KernelLink: Hashable, Sendable {
  package var interface: UInt32
  package var name: String
  /// Administratively up and with a carrier (IFF_UP and IFF_RUNNING).
  package var up: Bool
  package var mtu: UInt32
  /// Zero for a link without an Ethernet address.
  package var mac: MACAddress
}

/// One route message: the next hop that is used of it, and whether there are others behind it.
package struct RouteNotice: Hashable, Sendable {
  package var route: KernelRoute
  /// The message named several next hops; `route` has the first usable one.
  package var hasAlternatives: Bool
  /// Every next hop is dead (RTNH_F_DEAD): the kernel does not use the route now.
  package var isDead: Bool
  /// The message replaces what the kernel had under the same prefix and metric (NLM_F_REPLACE).
  package var replaces: Bool
}

extension KernelNotice {
  /// Reads one rtnetlink message. Nil is for what the plane does not mirror, and for anything short or contradictory:
  /// a total function of any octets.
  package init?(_ message: NetlinkMessage) {
    switch message.type {
    case NetlinkType.newLink, NetlinkType.deleteLink:
      self.init(link: message)
    case NetlinkType.newRoute:
      guard let notice = RouteNotice(message) else { return nil }
      self = .route(notice)
    case NetlinkType.deleteRoute:
      guard let notice = RouteNotice(message) else { return nil }
      self = .routeGone(notice)
    case NetlinkType.newNeighbor, NetlinkType.deleteNeighbor:
      self.init(neighbor: message)
    case NetlinkType.deleteAddress where message.body.uint8(at: 0) == NetlinkFamily.ipv4:
      self = .ipv4AddressGone
    default:
      return nil
    }
  }

  /// `struct ifinfomsg`: family, pad, type (2), index (4), flags (4), change (4).
  private init?(link message: NetlinkMessage) {
    let body = message.body
    // Bridges repeat link messages with their own family; only the unspecified family describes the link itself.
    guard body.uint8(at: 0) == NetlinkFamily.unspecified, let index = body.uint32(at: 4), index > 0,
      let flags = body.uint32(at: 8)
    else { return nil }
    guard message.type == NetlinkType.newLink else {
      self = .linkGone(interface: index)
      return
    }
    let needed = LinkFlag.up | LinkFlag.running
    var link = KernelLink(interface: index, name: "", up: flags & needed == needed, mtu: 0, mac: MACAddress(0))
    for (type, payload) in NetlinkAttributes(body.dropping(16)) {
      switch type {
      case LinkAttribute.name: link.name = payload.text
      case LinkAttribute.mtu: link.mtu = payload.uint32(at: 0) ?? 0
      case LinkAttribute.address: link.mac = payload.macAddress ?? MACAddress(0)
      default: break
      }
    }
    self = .link(link)
  }

  /// `struct ndmsg`: family, pad (3), index (4), state (2), flags, type.
  private init?(neighbor message: NetlinkMessage) {
    let body = message.body
    guard let family = body.uint8(at: 0), let index = body.uint32(at: 4), index > 0, let state = body.uint16(at: 8)
    else { return nil }
    var address: IPAddress?
    var mac: MACAddress?
    for (type, payload) in NetlinkAttributes(body.dropping(12)) {
      switch type {
      case NeighborAttribute.destination: address = payload.address(family: family)
      case NeighborAttribute.linkLayerAddress: mac = payload.macAddress
      default: break
      }
    }
    // Multicast "neighbours" are a mapping the kernel computes, not a host; bridge entries have no address.
    guard let address, !address.isMulticast else { return nil }
    if message.type == NetlinkType.deleteNeighbor {
      self = .neighborGone(interface: index, address: address)
    } else {
      self = .neighbor(
        interface: index, address: address, mac: state & NeighborState.valid != 0 ? mac : nil)
    }
  }
}
