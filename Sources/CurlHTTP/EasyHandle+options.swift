import CCurl
import HTTPTransport

extension EasyHandle {
    /// After how much silence TCP asks whether the peer's machine is still there.
    private static let keepaliveIdle: Duration = .seconds(5)
    /// How often TCP then asks again.
    private static let keepaliveInterval: Duration = .seconds(2)

    /// Sets what is the same for all requests of a transport.
    func setUp(_ configuration: CurlConfiguration, mode: CurlLoop.Mode) throws(TransportError) {
        try setCallbacks()
        // No signals: they are the process's, and libcurl's time-outs do not need them.
        try set(CURLOPT_NOSIGNAL, 1)
        // Otherwise removing a handle waits until its host name is resolved, and with it the whole thread.
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
        try set(CURLOPT_BUFFERSIZE, configuration.receiveBufferBytes)
        try set(CURLOPT_USERAGENT, configuration.userAgent)
        switch mode {
        case .requests: try set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
        case .streams: try set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        }
        try setUp(configuration.proxy)
        try setUp(configuration.tls)
    }

    private func setUp(_ proxy: CurlConfiguration.Proxy) throws(TransportError) {
        switch proxy {
        case .environment:
            break
        // Empty strings, since unset options make libcurl look into the environment.
        case .none:
            try set(CURLOPT_PROXY, "")
            try set(CURLOPT_NOPROXY, "")
        case .url(let url):
            try set(CURLOPT_PROXY, url)
            try set(CURLOPT_NOPROXY, "")
        }
    }

    private func setUp(_ tls: TLSConfiguration) throws(TransportError) {
        try set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        try set(CURLOPT_SSL_VERIFYPEER, tls.insecureSkipVerify ? 0 : 1)
        try set(CURLOPT_SSL_VERIFYHOST, tls.insecureSkipVerify ? 0 : 2)
        if let caPEM = tls.caPEM {
            try set(CURLOPT_CAINFO_BLOB, blob: caPEM)
            // The blob replaces the system's bundle but not its directory, which would be trusted beside it.
            try set(CURLOPT_CAPATH, nil)
        }
        if let identity = tls.clientIdentity {
            try set(CURLOPT_SSLCERT_BLOB, blob: identity.certificatePEM)
            try set(CURLOPT_SSLKEY_BLOB, blob: identity.privateKeyPEM)
            // An encrypted key fails instead of asking for its passphrase on the terminal.
            try set(CURLOPT_KEYPASSWD, "")
        }
    }

    /// Sets what belongs to one request.
    func setUp(_ plan: RequestPlan, mode: CurlLoop.Mode) throws(TransportError) {
        try set(CURLOPT_URL, plan.url)
        try setHeader(plan.headerLines)
        try setConnectTo(plan.connectTo)
        // Wait for a connection that is being made and may take many streams, rather than make one more.
        let mayShare = mode == .requests && !plan.usesOwnConnection && !plan.isPlainText
        try set(CURLOPT_PIPEWAIT, mayShare ? 1 : 0)
        try set(CURLOPT_FRESH_CONNECT, plan.usesOwnConnection ? 1 : 0)
        try set(CURLOPT_FORBID_REUSE, plan.usesOwnConnection ? 1 : 0)
        // Takes back what the request before may have left: HEAD, a body.
        try set(CURLOPT_HTTPGET, 1)
        try set(CURLOPT_REQUEST_TARGET, plan.target)
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
        case .upload(let length):
            try set(CURLOPT_UPLOAD, 1)
            try set(CURLOPT_CUSTOMREQUEST, plan.method == "PUT" ? nil : plan.method)
            try setUploadLength(length)
        }
    }
}

extension Duration {
    /// Rounded up, and at least one, since libcurl takes zero as "no limit".
    var wholeMilliseconds: Int {
        let (seconds, attoseconds) = components
        return max(1, Int(seconds) * 1_000 + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000))
    }

    /// Rounded down.
    fileprivate var wholeSeconds: Int { Int(components.seconds) }
}
