internal import Foundation

/// Runs blocking work on its own thread. On a thread of the shared pool it would delay other tests and the services
/// that they run.
public func onThreadOfItsOwn<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: work()) }
    }
}
