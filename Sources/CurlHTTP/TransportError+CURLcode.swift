import CCurl
import HTTPTransport

extension TransportError {
    /// Converts the result of a libcurl transfer.
    ///
    /// - Parameters:
    ///   - code: libcurl's result.
    ///   - mayHaveHadEffect: True once a connection was ready and the request went out on it, be it one before the last.
    ///   - detail: What libcurl says about it; may be empty.
    ///   - verifyResult: OpenSSL's result for the peer's certificate (`CURLINFO_SSL_VERIFYRESULT`).
    ///   - privateNames: Names that must not be repeated.
    init(_ code: CURLcode, mayHaveHadEffect: Bool, detail: String, verifyResult: Int, hiding privateNames: [String]) {
        var message = detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail
        for name in privateNames where !name.isEmpty {
            message = message.replacing(name, with: "the host")
        }
        self.init(
            Self.kind(of: code, mayHaveHadEffect: mayHaveHadEffect, detail: detail),
            message,
            cause: mayHaveHadEffect ? nil : Self.cause(of: code, detail: detail, verifyResult: verifyResult),
            isTimeout: code == CURLE_OPERATION_TIMEDOUT
        )
    }

    /// OpenSSL's `X509_V_ERR_UNSPECIFIED`, which is libcurl's initial value, and `X509_V_ERR_CERT_HAS_EXPIRED`.
    private static let certificateIsNotVerified = 1
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
        case CURLE_PEER_FAILED_VERIFICATION where verifyResult <= certificateIsNotVerified:
            .certificateName
        case CURLE_PEER_FAILED_VERIFICATION:
            .certificateUntrusted
        default:
            nil
        }
    }

    private static func kind(of code: CURLcode, mayHaveHadEffect: Bool, detail: String) -> Kind {
        switch code {
        case CURLE_RECV_ERROR where isCertificateAlert(detail), CURLE_SEND_ERROR where isCertificateAlert(detail):
            .tls
        // Even where another connection could not be made: libcurl makes one by itself when one that was kept breaks.
        case _ where mayHaveHadEffect:
            .protocolViolation
        case CURLE_URL_MALFORMAT, CURLE_BAD_FUNCTION_ARGUMENT:
            .invalidRequest
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CRL_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS,
            CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED,
            CURLE_SSL_ENGINE_INITFAILED, CURLE_SSL_CLIENTCERT, CURLE_USE_SSL_FAILED:
            .tls
        // Whatever else goes wrong before the request is out, for example a proxy that refuses, is a failed connection. So is a
        // time-out: libcurl knows no time limit but the connection's, the request's are kept outside of it.
        default:
            .connect
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
