extension TableWriter {
  /// Writes a block of localized routes, of use as soon as a binding names it (`Binding.localizedRoutes`). The tunnels are
  /// in use from now on.
  ///
  /// - Parameter routes: all of one prefix, 1 to 256, one for each `to`, those with the longest `to` first.
  /// - Throws: `tooManyLocalizedRoutes`, `unknownTunnel`, `outOfLocalizedRoutes`, `retireQueueFull`; nothing has changed
  ///   then.
  public func addLocalizedRoutes(_ routes: [LocalizedRoute]) throws(FlowTableError) -> LocalizedRoutesID {
    guard 1...LocalizedRouteRecord.limit ~= routes.count else {
      throw .tooManyLocalizedRoutes(count: routes.count, limit: LocalizedRouteRecord.limit)
    }
    precondition(zip(routes, routes.dropFirst()).allSatisfy { $0.to.length >= $1.to.length }, "longest prefixes first")
    for route in routes where !tunnels.exists(route.tunnel) { throw .unknownTunnel(route.tunnel) }
    if localizedRoutes.routeCount + routes.count > localizedRoutes.limit {
      throw .outOfLocalizedRoutes(limit: localizedRoutes.limit)
    }
    if !localizedRoutes.hasRoom(routes.count) { reclaim() }
    if !localizedRoutes.hasRoom(routes.count) {
      throw localizedRoutes.oldestGeneration == nil
        ? .outOfLocalizedRoutes(limit: localizedRoutes.limit) : .retireQueueFull(capacity: localizedRoutes.limit)
    }
    silentChanges &+= 1
    for route in routes { tunnels.retain(route.tunnel) }
    return LocalizedRoutesID(localizedRoutes.add(routes))
  }

  /// Gives a block up. It is freed when no binding names it any more and every worker has passed that change; its tunnels
  /// are no longer in use when no binding names it. Unknown blocks are passed over.
  public func retireLocalizedRoutes(_ id: LocalizedRoutesID) {
    silentChanges &+= 1
    if localizedRoutes.end(id.rawValue) { retireBlock(id.rawValue, generation) }
  }

  /// The routes of a block that has not been given up.
  public func localizedRoutes(_ id: LocalizedRoutesID) -> [LocalizedRoute] { localizedRoutes.routes(id.rawValue) }

  /// A block that nothing names: it waits for `generation`.
  func retireBlock(_ block: UInt32, _ generation: UInt64) {
    for route in localizedRoutes.routes(block) { tunnels.release(route.tunnel) }
    localizedRoutes.retire(block, generation)
  }
}
