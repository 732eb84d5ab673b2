import CCurl
import HTTPTransport

extension EasyHandle {
    /// For how long data that was sent, and TCP's probes, may stay unacknowledged before the kernel gives the connection up. By
    /// default it takes a quarter of an hour for data.
    ///
    /// Linux applies the limit also to a peer that acknowledges, but does not read.
    static let maxUnacknowledged: Duration = .seconds(10)
    /// The idle time after which TCP sends the first keepalive probe.
    private static let keepaliveIdle: Duration = .seconds(5)
    /// The interval of further keepalive probes.
    private static let keepaliveInterval: Duration = .seconds(2)

    /// Sets the options that are the same for all requests of a transport.
    func setUp(_ configuration: CurlConfiguration, mode: CurlLoop.Mode) throws(TransportError) {
        try setCallbacks()
        // libcurl could otherwise use SIGALRM, and would change the handling of SIGPIPE for the whole process.
        try set(CURLOPT_NOSIGNAL, 1)
        // Otherwise removing a handle blocks the thread until its host name is resolved.
        try set(CURLOPT_QUICK_EXIT, 1)
        try set(CURLOPT_PROTOCOLS_STR, "http,https")
        try set(CURLOPT_FOLLOWLOCATION, 0)
        try set(CURLOPT_PATH_AS_IS, 1)
        try set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        try set(CURLOPT_CONNECTTIMEOUT_MS, configuration.connectTimeout.wholeMilliseconds)
        try set(CURLOPT_MAXAGE_CONN, configuration.maxIdle.wholeSeconds)
        try set(CURLOPT_TCP_KEEPALIVE, 1)
        try set(CURLOPT_TCP_KEEPIDLE, Self.keepaliveIdle.wholeSeconds)
        try set(CURLOPT_TCP_KEEPINTVL, Self.keepaliveInterval.wholeSeconds)
        switch mode {
        case .requests: try set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
        case .streams: try set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        }
        // Empty strings, because libcurl reads the environment if the options are unset.
        try set(CURLOPT_PROXY, configuration.proxy ?? "")
        try set(CURLOPT_NOPROXY, "")
        try setUp(configuration.tls)
    }

    private func setUp(_ tls: TLSConfiguration) throws(TransportError) {
        try set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        try set(CURLOPT_SSL_VERIFYPEER, tls.insecureSkipVerify ? 0 : 1)
        try set(CURLOPT_SSL_VERIFYHOST, tls.insecureSkipVerify ? 0 : 2)
        if let caPEM = tls.caPEM {
            try set(CURLOPT_CAINFO_BLOB, blob: caPEM)
            // The blob replaces the system's bundle but not its directory, which would stay trusted.
            try set(CURLOPT_CAPATH, nil)
        }
        if let identity = tls.clientIdentity {
            try set(CURLOPT_SSLCERT_BLOB, blob: identity.certificatePEM)
            try set(CURLOPT_SSLKEY_BLOB, blob: identity.privateKeyPEM)
            // With an empty passphrase an encrypted key fails; without the option libcurl would ask for the passphrase on the
            // terminal.
            try set(CURLOPT_KEYPASSWD, "")
        }
    }

    /// Sets the options of one request.
    func setUp(_ plan: RequestPlan, mode: CurlLoop.Mode) throws(TransportError) {
        try set(CURLOPT_URL, plan.url)
        try setHeader(plan.headerLines)
        try setConnectTo(plan.connectTo)
        // Prefer to wait for a new connection that may support multiplexing over making another one.
        let mayShare = mode == .requests && !plan.usesOwnConnection && !plan.isPlainText
        try set(CURLOPT_PIPEWAIT, mayShare ? 1 : 0)
        try set(CURLOPT_FRESH_CONNECT, plan.usesOwnConnection ? 1 : 0)
        try set(CURLOPT_FORBID_REUSE, plan.usesOwnConnection ? 1 : 0)
        // Resets what the previous request may have set: HEAD, a body.
        try set(CURLOPT_HTTPGET, 1)
        switch plan.framing {
        case .none:
            try set(CURLOPT_CUSTOMREQUEST, plan.method == "GET" ? nil : plan.method)
        case .headOnly:
            try set(CURLOPT_CUSTOMREQUEST, nil)
            try set(CURLOPT_NOBODY, 1)
        case .body(let bytes):
            try set(CURLOPT_POST, 1)
            try set(CURLOPT_CUSTOMREQUEST, plan.method == "POST" ? nil : plan.method)
            try setBody(bytes)
        }
    }
}

extension Duration {
    /// The duration in milliseconds, rounded up and at least one, because libcurl interprets zero as "no limit".
    var wholeMilliseconds: Int {
        let (seconds, attoseconds) = components
        return max(1, Int(seconds) * 1_000 + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000))
    }

    /// The duration in seconds, rounded down.
    fileprivate var wholeSeconds: Int { Int(components.seconds) }
}
