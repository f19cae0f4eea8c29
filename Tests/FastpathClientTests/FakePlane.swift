import FastpathClient
import Foundation
import Testing

/// The fake data plane of clients/python as a process: another's reading of the protocol to talk to.
final class FakePlane {
  let socket: String
  private let process = Process()

  init(role: String = "lma") throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    socket = "/tmp/fp-client-\(UInt64.random(in: 0...(.max))).sock"
    process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    process.arguments = [root.appending(path: "clients/python/fake_dataplane.py").path, socket, "--role", role]
    try process.run()
    for _ in 0..<1000 {
      if (try? DaemonConnection(path: socket, name: "waiting")) != nil { return }
      usleep(20_000)
    }
    Issue.record("the fake data plane does not start")
  }

  deinit {
    // What a test's thread starts inherits the signals that it blocks, which are all that can be.
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    try? FileManager.default.removeItem(atPath: socket)
  }
}
