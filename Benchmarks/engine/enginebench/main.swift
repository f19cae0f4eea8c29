// The product's side of the suite `engine`, and what the gate on instruction counts replays.
//
// Usage: enginebench NAME…            fills the tables, checks all answers and prints "ready"; then answers each line of
//                                     standard input, a NAME or "digest-NAME" or "cycles-NAME", with one line
//        enginebench replay NAME N    N turns of the scenario, and nothing else
// A NAME is a way and a number of bindings: lma-downlink-1m, mag-uplink-1k. It runs on the CPU it was started on.
import Glibc

func say(_ text: String, to descriptor: Int32) {
  let line = Array((text + "\n").utf8)
  // The array outlives the call. A line fits into a pipe, and to whom it cannot be said it need not be.
  _ = unsafe write(descriptor, line, line.count)
}

func fail(_ reason: String) -> Never {
  say("enginebench: \(reason)", to: STDERR_FILENO)
  exit(1)
}

let usage = "usage: enginebench NAME… | enginebench replay NAME TURNS (NAME: lma-downlink-1m, …)"
let arguments = Array(CommandLine.arguments.dropFirst())
do {
  if arguments.first == "replay" {
    guard arguments.count == 3, let scenario = Scenario(name: arguments[1]), let turns = Int(arguments[2]) else {
      fail(usage)
    }
    try Contestant([scenario]).replay(scenario, turns: turns)
    exit(0)
  }
  let scenarios = arguments.compactMap { Scenario(name: $0) }
  guard !scenarios.isEmpty, scenarios.count == arguments.count else { fail(usage) }
  let contestant = try Contestant(scenarios)
  try contestant.check()
  say("ready", to: STDOUT_FILENO)
  while let name = readLine() {
    guard let figure = contestant.answer(name) else { fail("no measurement \(name)") }
    say(figure, to: STDOUT_FILENO)
  }
} catch {
  fail("\(error)")
}
