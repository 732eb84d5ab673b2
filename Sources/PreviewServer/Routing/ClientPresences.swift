internal import HTTPTransport
internal import NIOCore
internal import Synchronization

/// Ends requests that are passed on when their clients go away: close their connection or their half of it, or reset the
/// request's HTTP/2 stream.
///
/// Registering costs a look into a dictionary. A handler that is added for each request would cost two changes of thread.
final class ClientPresences: Sendable {
    private struct Presence {
        var isGone = false
        var departure: TransportAbort?
    }

    private let presences = Mutex<[ObjectIdentifier: Presence]>([:])

    /// A connection begins, before its first request.
    func arrived(_ channel: any Channel) {
        presences.withLock { $0[ObjectIdentifier(channel)] = Presence() }
    }

    /// The client is gone. Its connection may still be open.
    func departed(_ channel: any Channel) {
        presences.withLock { presences in
            presences[ObjectIdentifier(channel)]?.isGone = true
            return presences[ObjectIdentifier(channel)]?.departure
        }?.abort()
    }

    /// The connection is over.
    func forget(_ channel: any Channel) {
        presences.withLock { $0.removeValue(forKey: ObjectIdentifier(channel)) }?.departure?.abort()
    }

    /// Ends `departure` when the client goes away, at once where it is gone.
    func watch(_ channel: any Channel, _ departure: TransportAbort) {
        let isGone = presences.withLock { presences in
            guard presences[ObjectIdentifier(channel)]?.isGone == false else { return true }
            presences[ObjectIdentifier(channel)]?.departure = departure
            return false
        }
        if isGone { departure.abort() }
    }

    /// The request is answered.
    func unwatch(_ channel: any Channel) {
        presences.withLock { $0[ObjectIdentifier(channel)]?.departure = nil }
    }
}
