internal import Basics
public import HTTPTransport
internal import HTTPTypes
public import PreviewControl
public import PreviewDomain

/// Opens a preview through its public address.
public struct GatewayProbe: PreviewProbe {
    private let transport: any HTTPTransport
    private let address: PreviewAddress
    private let names: (any NameLookup)?
    private let uptime: @Sendable () -> Duration

    /// The number of redirects within the preview that are followed.
    private static let maxRedirects = 4
    /// How much longer than one response all of them may take. Callers wait for the probe.
    private static let redirectsTime = Duration.seconds(2)
    /// The number of bytes of an error's body that are read. Rails has its message after 5 KB of style sheet.
    private static let maxTextBytes = 16_384
    /// The longest body of a page that is searched for an error message.
    private static let maxSentenceBytes = 64
    /// The time limit for reading such a body.
    private static let textTimeout = Duration.seconds(1)
    /// The number of bytes of cookies that are returned to the app.
    private static let maxCookieBytes = 4096
    /// Envoy, the proxy in the gateway, adds this field to responses of upstreams and never to its own responses.
    private static let upstreamTime = HTTPField.Name("x-envoy-upstream-service-time")

    /// - Parameters:
    ///   - transport: Trusts the same authorities as a browser; it sends no credentials.
    ///   - address: The format of URLs.
    ///   - names: Resolves names; `nil` leaves that to `transport`.
    ///   - uptime: The time since some fixed instant.
    public init(
        transport: any HTTPTransport,
        address: PreviewAddress,
        names: (any NameLookup)? = nil,
        uptime: @escaping @Sendable () -> Duration = MonotonicTime(ContinuousClock()).uptime
    ) {
        self.transport = transport
        self.address = address
        self.names = names
        self.uptime = uptime
    }

    public func probe(_ token: PreviewToken, timeout: Duration) async -> ProbeOutcome {
        let host = address.host(token).value
        switch await names?.lookUp(host) {
        case .absent: return .nameNotFound
        case .found(let place): return await open(token, at: place, timeout: timeout)
        case .unknown, nil: break
        }
        let outcome = await open(token, at: nil, timeout: timeout)
        // The local resolver has failed without a reason.
        if outcome == .nameUnresolved, await names?.isAbsentLocally(host) == true { return .nameNotFound }
        return outcome
    }

    private func open(_ token: PreviewToken, at place: String?, timeout: Duration) async -> ProbeOutcome {
        var path = "/"
        var cookies: [String: String] = [:]
        var last: ProbeResponse?
        let end = uptime() + timeout + Self.redirectsTime
        do {
            for _ in 0...Self.maxRedirects {
                let left = end - uptime()
                guard left > .zero else { return .noResponse }
                var request = request(token, path: path, cookies: cookies, timeout: min(timeout, left))
                request.connectAddress = place
                let reply = try await reply(to: request, token)
                guard let location = reply.location, (300..<400).contains(reply.response.status) else {
                    return .answered(reply.response)
                }
                let host = address.host(token).value
                switch RedirectTarget(location: location, from: path, at: address, host: host) {
                case .end(let end):
                    return .answered(reply.response.redirecting(end))
                case .within(let next):
                    let hadCookies = cookies
                    cookies.merge(reply.cookies) { $1 }
                    if next == path, cookies == hadCookies { return .answered(reply.response.redirecting(.loop)) }
                    path = next
                    last = reply.response
                }
            }
            return last.map { .answered($0.redirecting(.loop)) } ?? .broken
        } catch let error as TransportError {
            return Self.outcome(of: error)
        } catch {
            return .broken
        }
    }

    private func request(
        _ token: PreviewToken,
        path: String,
        cookies: [String: String],
        timeout: Duration
    ) -> TransportRequest {
        let port = address.port.map { ":\($0)" } ?? ""
        var fields = HTTPFields()
        if !cookies.isEmpty {
            let text = cookies.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
            if text.utf8.count <= Self.maxCookieBytes { fields[.cookie] = text }
        }
        return TransportRequest(
            head: HTTPRequest(
                method: .get,
                scheme: address.scheme.rawValue,
                authority: address.host(token).value + port,
                path: path,
                headerFields: fields
            ),
            timeout: timeout + Self.textTimeout,
            headTimeout: timeout
        )
    }

    /// A response with the information for following it.
    private struct Reply: Sendable {
        var response: ProbeResponse
        var location: String?
        var cookies: [String: String]
    }

    private func reply(to request: TransportRequest, _ token: PreviewToken) async throws -> Reply {
        try await transport.withResponse(to: request) { response in
            let fields = response.head.headerFields
            return Reply(
                response: ProbeResponse(
                    status: response.head.status.code,
                    isFromUpstream: Self.upstreamTime.map { fields[$0] != nil } ?? false,
                    mark: ResponseFields.host(in: fields, of: token),
                    isEndedPage: ResponseFields.areOfEndedPage(fields),
                    text: await Self.text(of: response)
                ),
                location: fields[.location],
                cookies: Self.cookies(fields[values: .setCookie])
            )
        }
    }

    /// The beginning of a body that may contain an error message. The body of a working page is not read.
    private static func text(of response: TransportResponse) async -> String {
        let status = response.head.status.code
        let length = response.head.headerFields[.contentLength].flatMap { Int($0) }
        guard status >= 400 || status == 200 && length.map({ $0 <= maxSentenceBytes }) == true else { return "" }
        var bytes: [UInt8] = []
        do {
            for try await chunk in response.body {
                bytes += chunk
                if bytes.count >= maxTextBytes { break }
            }
        } catch {
            // The bytes that have arrived have to suffice.
        }
        return String(decoding: bytes.prefix(maxTextBytes), as: UTF8.self)
    }

    private static func cookies(_ fields: [String]) -> [String: String] {
        var cookies: [String: String] = [:]
        for field in fields {
            let pair = field.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2, let name = pair.first, !name.isEmpty else { continue }
            cookies[String(name)] = String(pair[1])
        }
        return cookies
    }

    private static func outcome(of error: TransportError) -> ProbeOutcome {
        switch (error.kind, error.cause) {
        case (_, .name): .nameUnresolved
        case (.tls, .certificateExpired): .notTrusted(.expired)
        case (.tls, .certificateName): .notTrusted(.wrongName)
        case (.tls, .certificateUntrusted): .notTrusted(.untrusted)
        case (.tls, _): .notTrusted(.handshake)
        case (.connect, _), (.refused, _): .notConnected
        case (.timedOut, _): .noResponse
        case (.cancelled, _), (.protocolViolation, _), (.bodyTooLarge, _), (.invalidRequest, _): .broken
        }
    }
}

extension ProbeResponse {
    fileprivate func redirecting(_ end: RedirectEnd) -> ProbeResponse {
        var response = self
        response.redirect = end
        return response
    }
}
