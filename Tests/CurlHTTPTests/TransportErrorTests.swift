import CCurl
import HTTPTransport
import Testing

@testable import CurlHTTP

@Suite struct TransportErrorTests {
    private func kind(_ code: CURLcode, wasSent: Bool, _ detail: String = "") -> TransportError.Kind {
        TransportError(code, wasSent: wasSent, detail: detail, hiding: []).kind
    }

    @Test func everyPhaseHasItsKind() {
        #expect(kind(CURLE_COULDNT_RESOLVE_HOST, wasSent: false) == .connect)
        #expect(kind(CURLE_COULDNT_CONNECT, wasSent: false) == .connect)
        #expect(kind(CURLE_OPERATION_TIMEDOUT, wasSent: false) == .connect)
        #expect(kind(CURLE_RECV_ERROR, wasSent: false, "CONNECT tunnel failed, response 403") == .connect)
        #expect(kind(CURLE_PEER_FAILED_VERIFICATION, wasSent: false) == .tls)
        #expect(kind(CURLE_SSL_CONNECT_ERROR, wasSent: false) == .tls)
        #expect(kind(CURLE_RECV_ERROR, wasSent: true) == .protocolViolation)
        #expect(kind(CURLE_PARTIAL_FILE, wasSent: true) == .protocolViolation)
        #expect(kind(CURLE_GOT_NOTHING, wasSent: true) == .protocolViolation)
        #expect(kind(CURLE_HTTP2_STREAM, wasSent: true) == .protocolViolation)
        #expect(kind(CURLE_URL_MALFORMAT, wasSent: false) == .invalidRequest)
    }

    @Test func anAlertAboutTheCertificateIsTLSEvenAfterTheRequestWasWritten() {
        #expect(kind(CURLE_RECV_ERROR, wasSent: true, "tlsv13 alert certificate required") == .tls)
        #expect(kind(CURLE_RECV_ERROR, wasSent: true, "tlsv1 alert unknown ca") == .tls)
        #expect(kind(CURLE_RECV_ERROR, wasSent: true, "tlsv1 alert internal error") == .protocolViolation)
    }

    @Test func hostNamesAreHidden() {
        let detail = "Could not resolve host: swift-falcon-preview.example.test"
        let error = TransportError(
            CURLE_COULDNT_RESOLVE_HOST,
            wasSent: false,
            detail: detail,
            hiding: ["swift-falcon-preview.example.test:80", "swift-falcon-preview.example.test"]
        )
        #expect(error.message == "Could not resolve host: the host")
    }
}
