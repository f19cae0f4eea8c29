import Foundation
import Glibc
import NIOCore
import NIOPosix

/// Why the control socket cannot be served: one sentence with the remedy, for exit status 2.
public struct ControlSocketError: Error, Hashable, Sendable, CustomStringConvertible {
  public let path: String
  public let reason: String
  public var description: String { "control socket \(path): \(reason)" }
}

/// The socket's file: making room for it, its owner and mode, and its removal.
struct ControlSocket {
  let path: String
  /// Nil leaves the process's own group.
  let group: String?

  /// Removes what a dead daemon left; refuses when a live one answers, or when something else has the name.
  func makeRoom(group eventLoops: any EventLoopGroup) throws(ControlSocketError) {
    let files = FileManager.default
    let directory = (path as NSString).deletingLastPathComponent
    if !files.fileExists(atPath: directory) {
      try attempt("its directory cannot be made") {
        try files.createDirectory(atPath: directory, withIntermediateDirectories: false)
      }
    }
    guard let attributes = try? files.attributesOfItem(atPath: path) else { return }
    guard attributes[.type] as? FileAttributeType == .typeSocket else {
      throw ControlSocketError(path: path, reason: "a file that is no socket has this name; remove or rename it")
    }
    // Only a socket that nobody listens on refuses a connection (ECONNREFUSED, unix(7)).
    do {
      try ClientBootstrap(group: eventLoops).connect(unixDomainSocketPath: path).wait().close(promise: nil)
      throw ControlSocketError(path: path, reason: "another daemon serves it; stop that one or configure another path")
    } catch let error as IOError where error.errnoCode == ECONNREFUSED {
      // Nobody listens.
    } catch let error as ControlSocketError {
      throw error
    } catch {
      // A full backlog, say: somebody has it, who must not lose it.
      throw ControlSocketError(path: path, reason: "it is in use (\(error)); stop its owner or configure another path")
    }
    try attempt("a stale socket cannot be removed") { try files.removeItem(atPath: path) }
  }

  /// Owner group and mode 0660; returns the group's number.
  func secure() throws(ControlSocketError) -> UInt32 {
    let files = FileManager.default
    if let group {
      // setAttributes passes over a name that it does not know.
      // Safe: the name is passed as a terminated string for this call only, and the entry itself is not looked at.
      guard unsafe getgrnam(group) != nil else {
        throw ControlSocketError(path: path, reason: "there is no group \(group); create it or correct control.group")
      }
      try attempt("its group cannot be set to \(group)") {
        try files.setAttributes([.groupOwnerAccountName: group], ofItemAtPath: path)
      }
    }
    try attempt("its mode cannot be set to 0660") {
      try files.setAttributes([.posixPermissions: 0o660], ofItemAtPath: path)
    }
    let owner = (try? files.attributesOfItem(atPath: path))?[.groupOwnerAccountID] as? NSNumber
    guard let owner else { throw ControlSocketError(path: path, reason: "its owner group cannot be read") }
    return owner.uint32Value
  }

  /// A socket file without a listener would only make clients wait; failing to remove it harms nobody else.
  func remove() {
    try? FileManager.default.removeItem(atPath: path)
  }

  private func attempt(_ failure: String, _ body: () throws -> Void) throws(ControlSocketError) {
    do {
      try body()
    } catch {
      throw ControlSocketError(path: path, reason: "\(failure): \(error.localizedDescription)")
    }
  }
}
