import CurlHTTP
import HTTPTransport
import HTTPTypes
import Synchronization

/// Forwards requests, and keeps those that are sent while a recorder records.
final class RecordingTransport: HTTPTransport {
    private let base: CurlTransport
    private let recorder: RequestRecorder

    init(_ base: CurlTransport, _ recorder: RequestRecorder) {
        self.base = base
        self.recorder = recorder
    }

    func withResponse<Result: Sendable>(
        to request: TransportRequest,
        _ handle: @Sendable (TransportResponse) async throws -> Result
    ) async throws -> Result {
        recorder.record(request)
        return try await base.withResponse(to: request, handle)
    }
}

/// The requests that a ``RecordingTransport`` kept.
final class RequestRecorder: Sendable {
    private let requests = Mutex<[TransportRequest]?>(nil)

    fileprivate func record(_ request: TransportRequest) { requests.withLock { $0?.append(request) } }

    /// Runs `body`, and returns the requests that were sent meanwhile, in their order.
    func requests(of body: () async throws -> Void) async throws -> [TransportRequest] {
        requests.withLock { $0 = [] }
        try await body()
        return requests.withLock { requests in
            defer { requests = nil }
            return requests ?? []
        }
    }
}

extension TransportRequest {
    /// The same request with other texts in its path and body.
    func replacing(_ texts: [String: String]) -> TransportRequest {
        var copy = self
        for (old, new) in texts {
            copy.head.path = copy.head.path?.replacing(old, with: new)
            copy.body = Array(String(decoding: copy.body, as: UTF8.self).replacing(old, with: new).utf8)
        }
        return copy
    }
}
