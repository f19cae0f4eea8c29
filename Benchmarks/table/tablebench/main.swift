// The product's side of the suite `table`.
//
// Usage: tablebench ROUTES
// Fills its tables (ROUTES is a list as prefixes.py writes it), checks all answers and prints "ready"; then answers each
// line of standard input, the name of a measurement, with one line, the figure. It runs on the CPU it was started on,
// but while a writer and a reader run: then they have CPU 0 and 1.
import Glibc

func say(_ text: String, to descriptor: Int32) {
  let line = Array((text + "\n").utf8)
  // The array outlives the call. A line fits into a pipe, and to whom it cannot be said it need not be.
  _ = unsafe write(descriptor, line, line.count)
}

func fail(_ reason: String) -> Never {
  say("tablebench: \(reason)", to: STDERR_FILENO)
  exit(1)
}

if CommandLine.arguments.count != 2 { fail("usage: tablebench ROUTES") }
do {
  let contestant = try Contestant(routes: CommandLine.arguments[1])
  say("ready", to: STDOUT_FILENO)
  while let name = readLine() {
    guard let figure = try contestant.answer(name) else { fail("no measurement \(name)") }
    say(figure, to: STDOUT_FILENO)
  }
} catch {
  fail("\(error)")
}
