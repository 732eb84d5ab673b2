import CCurl
import HTTPTransport

extension TransportError {
    /// Converts the result of a libcurl transfer.
    ///
    /// - Parameters:
    ///   - code: libcurl's result.
    ///   - wasSent: Whether a connection was ready and the request was sent on it.
    ///   - detail: libcurl's error text; may be empty.
    ///   - verifyResult: OpenSSL's result of verifying the peer's certificate (`CURLINFO_SSL_VERIFYRESULT`).
    ///   - privateNames: Names that are replaced in the error text.
    init(_ code: CURLcode, wasSent: Bool, detail: String, verifyResult: Int, hiding privateNames: [String]) {
        var message = detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail
        for name in privateNames where !name.isEmpty {
            message = message.replacing(name, with: "the host")
        }
        self.init(
            Self.kind(of: code, wasSent: wasSent, detail: detail),
            message,
            cause: Self.cause(of: code, detail: detail, verifyResult: verifyResult),
            isTimeout: code == CURLE_OPERATION_TIMEDOUT
        )
    }

    /// OpenSSL's `X509_V_ERR_UNSPECIFIED`, which is libcurl's initial value, and `X509_V_ERR_CERT_HAS_EXPIRED`.
    private static let certificateIsNotJudged = 1
    private static let certificateHasExpired = 10

    private static func cause(of code: CURLcode, detail: String, verifyResult: Int) -> Cause? {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST:
            .name
        // libcurl has one code for all time-outs; only the text tells them apart.
        case CURLE_OPERATION_TIMEDOUT where detail.hasPrefix("Resolving timed out"):
            .name
        case CURLE_PEER_FAILED_VERIFICATION where verifyResult == certificateHasExpired:
            .certificateExpired
        // libcurl compares the names itself, after OpenSSL has verified the certificate.
        case CURLE_PEER_FAILED_VERIFICATION where verifyResult <= certificateIsNotJudged:
            .certificateName
        case CURLE_PEER_FAILED_VERIFICATION:
            .certificateUntrusted
        default:
            nil
        }
    }

    private static func kind(of code: CURLcode, wasSent: Bool, detail: String) -> Kind {
        switch code {
        case CURLE_URL_MALFORMAT, CURLE_BAD_FUNCTION_ARGUMENT:
            .invalidRequest
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CRL_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS,
            CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED,
            CURLE_SSL_ENGINE_INITFAILED, CURLE_SSL_CLIENTCERT, CURLE_USE_SSL_FAILED:
            .tls
        case CURLE_RECV_ERROR where isCertificateAlert(detail), CURLE_SEND_ERROR where isCertificateAlert(detail):
            .tls
        case CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT, CURLE_INTERFACE_FAILED,
            CURLE_PROXY, CURLE_NO_CONNECTION_AVAILABLE:
            .connect
        // The only time-out that libcurl knows is that of the connection; the request's time limits are applied by
        // ``CurlLoop``.
        case CURLE_OPERATION_TIMEDOUT:
            .connect
        default:
            // Errors before the request is sent, for example of a proxy that refuses it, are failed connections.
            wasSent ? .protocolViolation : .connect
        }
    }

    /// Whether the error text describes a TLS alert about the client's certificate.
    ///
    /// In TLS 1.3 the server verifies the client's certificate after the client has completed the handshake. The server has not
    /// processed the request then.
    private static func isCertificateAlert(_ detail: String) -> Bool {
        detail.contains("alert") && (detail.contains("certificate") || detail.contains("unknown ca"))
    }
}
