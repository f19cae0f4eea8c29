/// What has been set up so far, undone in reverse: by a stop, and by a start that fails half-way.
final class Teardown {
  private var steps: [() -> Void] = []

  func add(_ step: @escaping () -> Void) { steps.append(step) }

  /// Undoes everything once; a second call finds nothing.
  func run() {
    while let step = steps.popLast() { step() }
  }
}
