public import Basics
internal import FoundationEssentials
public import HTTPTransport
internal import HTTPTypes
public import PreviewDomain

/// The platform's core API, as far as this service needs it.
///
/// Every call names the bearer under which it is made; the client keeps none. A bearer appears in the request's
/// `Authorization` field and nowhere else: not in errors, not in descriptions.
public struct CoreAPIClient: Sendable {
    /// How long reading a run may take: somebody waits for the answer.
    public static let readTimeout = Duration.seconds(5)
    /// How long handing over an event may take.
    public static let eventTimeout = Duration.seconds(10)
    /// The longest description of a run that is read, in bytes.
    public static let maxRunBytes = 1 << 20
    /// The longest answer to an event that is read, in bytes.
    public static let maxAnswerBytes = 64 * 1024
    /// The longest event that is handed over, in bytes.
    public static let maxEventBytes = 64 * 1024
    /// The longest bearer that is sent, in bytes; servers refuse longer header fields anyway.
    public static let maxBearerBytes = 8 * 1024

    private let base: BaseURL
    private let transport: any HTTPTransport
    private let remainingTime: @Sendable () -> Duration?
    private let observer: @Sendable (_ isReachable: Bool) -> Void

    /// - Parameters:
    ///   - remainingTime: How long whoever waits for the current task goes on waiting; `nil` where nobody does.
    ///   - observer: Gets told of every request whether the core API answered it.
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

    /// Reads a run as the bearer's user sees it: `GET /api/runs/{runId}`.
    ///
    /// - Throws: ``CoreAPIError``; of kind ``CoreAPIError/Kind/unauthorized``, ``CoreAPIError/Kind/forbidden`` or
    ///   ``CoreAPIError/Kind/notFound`` where the core API says that the bearer may not see the run.
    public func run(_ id: RunID, bearer: String) async throws(CoreAPIError) -> CoreRun {
        let answer = try await send(
            .get,
            "",
            of: id,
            bearer: bearer,
            within: Self.readTimeout,
            maxBytes: Self.maxRunBytes
        )
        guard answer.head.status == .ok else { throw CoreAPIError(answer.head) }
        do { return try JSONDecoder().decode(CoreRun.self, from: Data(answer.body)) } catch {
            throw CoreAPIError(.unintelligible, "the core API's answer about the run is not a JSON object")
        }
    }

    /// Hands over something that happened to a run: `POST /api/runs/{runId}/events`.
    ///
    /// - Parameter event: A JSON object, at most ``maxEventBytes``, with a stable `id`: after an error of kind
    ///   ``CoreAPIError/Kind/unavailable`` it may have arrived all the same.
    public func post(event: [UInt8], of run: RunID, bearer: String) async throws(CoreAPIError) {
        guard event.count <= Self.maxEventBytes else {
            throw CoreAPIError(.rejected, "the event is longer than the \(Self.maxEventBytes) bytes accepted")
        }
        let answer = try await send(
            .post,
            "/events",
            of: run,
            body: event,
            bearer: bearer,
            within: Self.eventTimeout,
            maxBytes: Self.maxAnswerBytes
        )
        guard (200...299).contains(answer.head.status.code) else { throw CoreAPIError(answer.head) }
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
        // Anything else could end the header field, and is no bearer that anybody issued (RFC 6750, section 2.1).
        guard (1...Self.maxBearerBytes).contains(bearer.utf8.count),
            bearer.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { throw CoreAPIError(.unauthorized, "the bearer token has characters or a length that no token has") }
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
            let answer = try await transport.collect(request, maxBodyBytes: maxBytes)
            observer(!CoreAPIReachability.meansUnreachable(answer.head.status.code))
            return answer
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
