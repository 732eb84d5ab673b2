public import Basics
internal import FoundationEssentials
public import HTTPTransport
internal import HTTPTypes
public import PreviewDomain

/// A client of the platform's core API, with the requests that this service needs.
///
/// Every call has the bearer token as an argument; the client stores none. A bearer token is only in the request's
/// `Authorization` field, not in errors or descriptions.
public struct CoreAPIClient: Sendable {
    /// The time limit for reading a run: a caller waits for the response.
    public static let readTimeout = Duration.seconds(5)
    /// The time limit for sending an event.
    public static let eventTimeout = Duration.seconds(10)
    /// The longest response with a run that is read, in bytes.
    public static let maxRunBytes = 1 << 20
    /// The longest response to an event that is read, in bytes.
    public static let maxEventResponseBytes = 64 * 1024
    /// The longest event that is sent, in bytes.
    public static let maxEventBytes = 64 * 1024
    /// The longest bearer token that is sent, in bytes; servers refuse longer header fields anyway.
    public static let maxBearerBytes = 8 * 1024

    private let base: BaseURL
    private let transport: any HTTPTransport
    private let remainingTime: @Sendable () -> Duration?
    private let observer: @Sendable (_ isReachable: Bool) -> Void

    /// - Parameters:
    ///   - remainingTime: The remaining time of the current task's caller; `nil` if no caller waits.
    ///   - observer: Is notified after every request whether the core API answered it.
    public init(
        base: BaseURL,
        transport: any HTTPTransport,
        remainingTime: @escaping @Sendable () -> Duration? = { nil },
        observer: @escaping @Sendable (_ isReachable: Bool) -> Void = { _ in }
    ) {
        self.base = base
        self.transport = transport
        self.remainingTime = remainingTime
        self.observer = observer
    }

    /// Reads a run as the user of the bearer token sees it: `GET /api/runs/{runId}`.
    ///
    /// - Throws: ``CoreAPIError``; of kind ``CoreAPIError/Kind/unauthorized``, ``CoreAPIError/Kind/forbidden`` or
    ///   ``CoreAPIError/Kind/notFound`` if the core API does not show the run.
    public func run(_ id: RunID, bearer: String) async throws(CoreAPIError) -> CoreRun {
        let response = try await send(
            .get,
            "",
            of: id,
            bearer: bearer,
            within: Self.readTimeout,
            maxBytes: Self.maxRunBytes
        )
        guard response.head.status == .ok else { throw CoreAPIError(response.head) }
        do { return try JSONDecoder().decode(CoreRun.self, from: Data(response.body)) } catch {
            throw CoreAPIError(.unintelligible, "the core API's response about the run is not a JSON object")
        }
    }

    /// Sends an event of a run: `POST /api/runs/{runId}/events`.
    ///
    /// - Parameter event: A JSON object, at most ``maxEventBytes``, with a stable `id`: after an error of kind
    ///   ``CoreAPIError/Kind/unavailable`` it may nevertheless have arrived.
    public func post(event: [UInt8], of run: RunID, bearer: String) async throws(CoreAPIError) {
        guard event.count <= Self.maxEventBytes else {
            throw CoreAPIError(.rejected, "the event is longer than the \(Self.maxEventBytes) bytes accepted")
        }
        let response = try await send(
            .post,
            "/events",
            of: run,
            body: event,
            bearer: bearer,
            within: Self.eventTimeout,
            maxBytes: Self.maxEventResponseBytes
        )
        guard (200...299).contains(response.head.status.code) else { throw CoreAPIError(response.head) }
    }

    private func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        of run: RunID,
        body: [UInt8] = [],
        bearer: String,
        within timeout: Duration,
        maxBytes: Int
    ) async throws(CoreAPIError) -> (head: HTTPResponse, body: [UInt8]) {
        // Other characters could end the header field, and are not valid in a bearer token (RFC 6750, section 2.1).
        guard (1...Self.maxBearerBytes).contains(bearer.utf8.count),
            bearer.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { throw CoreAPIError(.unauthorized, "the bearer token has an invalid length or invalid characters") }
        var fields: HTTPFields = [.authorization: "Bearer \(bearer)", .accept: "application/json"]
        if method == .post { fields[.contentType] = "application/json" }
        fields.addCurrentTrace()
        let request = TransportRequest(
            head: HTTPRequest(
                method: method,
                scheme: base.scheme,
                authority: base.authority,
                path: "\(base.pathPrefix)/api/runs/\(run.text)\(path)",
                headerFields: fields
            ),
            body: body,
            timeout: min(timeout, remainingTime() ?? timeout)
        )
        do {
            let response = try await transport.collect(request, maxBodyBytes: maxBytes)
            observer(!CoreAPIReachability.meansUnreachable(response.head.status.code))
            return response
        } catch let error as TransportError {
            if error.kind != .cancelled { observer(false) }
            throw CoreAPIError(error)
        } catch is CancellationError {
            throw CoreAPIError.cancelled
        } catch {
            throw CoreAPIError(.unavailable, "the request to the core API could not be sent")
        }
    }
}

extension CoreAPIClient: CustomStringConvertible {
    public var description: String { "CoreAPIClient(\(base))" }
}
