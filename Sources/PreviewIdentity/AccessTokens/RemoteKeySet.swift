public import FoundationEssentials
public import HTTPTransport
internal import HTTPTypes
public import Logging
public import OpenSSLKit

/// The keys that an issuer publishes at a URL (JWKS, RFC 7517).
///
/// They are fetched again for an unknown ID, at most once a minute, and when they are old, so that a withdrawn key does
/// not remain valid. If a request fails, the known keys are kept.
public actor RemoteKeySet: VerificationKeySource {
    /// The shortest time between two requests, once there are keys.
    public static let minRefreshInterval = Duration.seconds(60)
    /// The same while there are none.
    public static let firstLoadRetryInterval = Duration.seconds(5)
    /// The age at which keys are fetched again.
    public static let maxAge = Duration.seconds(600)
    /// The time limit for one request.
    public static let timeout = Duration.seconds(5)
    /// The largest key set that is read, in bytes.
    public static let maxBodyBytes = 64 * 1024

    private let url: URL
    private let transport: any HTTPTransport
    private let uptime: @Sendable () -> Duration
    private let logger: Logger

    private var keys: [String: PublicKey]?
    private var loadedAt: Duration?
    private var triedAt: Duration?
    private var lastTryFailed = false
    /// The request in progress, shared by all callers that need its response.
    private var refresh: Task<Void, Never>?

    ///   - url: The URL of the keys, with scheme `http` or `https`.
    ///   - uptime: The time since some fixed instant.
    public init(
        url: URL,
        transport: any HTTPTransport,
        uptime: @escaping @Sendable () -> Duration,
        logger: Logger
    ) {
        self.url = url
        self.transport = transport
        self.uptime = uptime
        self.logger = logger
    }

    public func key(named keyID: String) async throws(AccessDenied) -> PublicKey? {
        if let key = keys?[keyID] {
            if let loadedAt, uptime() - loadedAt >= Self.maxAge { _ = refreshTask() }
            return key
        }
        await refreshTask()?.value
        if let key = keys?[keyID] { return key }
        guard !lastTryFailed else {
            throw AccessDenied(
                .unavailable,
                "The issuer of access tokens cannot be reached, so this token cannot be checked. Try again shortly.",
                retryAfter: keys == nil ? Self.firstLoadRetryInterval : Self.minRefreshInterval
            )
        }
        return nil
    }

    /// The request in progress, or a new one if it is time for it.
    private func refreshTask() -> Task<Void, Never>? {
        if let refresh { return refresh }
        let interval = keys == nil ? Self.firstLoadRetryInterval : Self.minRefreshInterval
        if let triedAt, uptime() - triedAt < interval { return nil }
        triedAt = uptime()
        // A separate task, since it serves all waiting callers, and one of them may be cancelled.
        let task = Task { await load() }
        refresh = task
        return task
    }

    private func load() async {
        defer { refresh = nil }
        do {
            keys = try await fetch()
            loadedAt = uptime()
            lastTryFailed = false
            if keys?.isEmpty == true { logger.warning("the issuer's key set contains no key for RS256 or ES256") }
        } catch {
            lastTryFailed = true
            logger.warning("the issuer's key set cannot be read", metadata: ["why": "\(error)"])
        }
    }

    private func fetch() async throws -> [String: PublicKey] {
        var head = HTTPRequest(getting: url)
        head.headerFields[.accept] = "application/json"
        let response = try await transport.collect(
            TransportRequest(head: head, timeout: Self.timeout),
            maxBodyBytes: Self.maxBodyBytes
        )
        guard response.head.status == .ok else {
            throw UnusableKeySet("the response has status \(response.head.status.code), expected 200")
        }
        guard let document = try? JSONDecoder().decode(JSONWebKeySet.self, from: Data(response.body)) else {
            throw UnusableKeySet("the response is not a JSON Web Key Set (RFC 7517)")
        }
        return document.verificationKeys()
    }
}

private struct UnusableKeySet: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

extension HTTPRequest {
    fileprivate init(getting url: URL) {
        let path = url.path(percentEncoded: true)
        self.init(
            method: .get,
            scheme: url.scheme,
            authority: (url.host(percentEncoded: true) ?? "") + (url.port.map { ":\($0)" } ?? ""),
            path: (path.isEmpty ? "/" : path) + (url.query(percentEncoded: true).map { "?\($0)" } ?? "")
        )
    }
}
