import CCurl
import HTTPTransport
import Testing

@testable import CurlHTTP

@Suite(.timeLimit(.minutes(10))) struct TransportErrorTests {
    private func kind(_ code: CURLcode, mayHaveHadEffect: Bool, _ detail: String = "") -> TransportError.Kind {
        TransportError(code, mayHaveHadEffect: mayHaveHadEffect, detail: detail, verifyResult: 0, hiding: []).kind
    }

    @Test func everyPhaseHasItsKind() {
        #expect(kind(CURLE_COULDNT_RESOLVE_HOST, mayHaveHadEffect: false) == .connect)
        #expect(kind(CURLE_COULDNT_CONNECT, mayHaveHadEffect: false) == .connect)
        #expect(kind(CURLE_OPERATION_TIMEDOUT, mayHaveHadEffect: false) == .connect)
        #expect(kind(CURLE_RECV_ERROR, mayHaveHadEffect: false, "CONNECT tunnel failed, response 403") == .connect)
        #expect(kind(CURLE_PEER_FAILED_VERIFICATION, mayHaveHadEffect: false) == .tls)
        #expect(kind(CURLE_SSL_CONNECT_ERROR, mayHaveHadEffect: false) == .tls)
        #expect(kind(CURLE_RECV_ERROR, mayHaveHadEffect: true) == .protocolViolation)
        #expect(kind(CURLE_PARTIAL_FILE, mayHaveHadEffect: true) == .protocolViolation)
        #expect(kind(CURLE_GOT_NOTHING, mayHaveHadEffect: true) == .protocolViolation)
        #expect(kind(CURLE_HTTP2_STREAM, mayHaveHadEffect: true) == .protocolViolation)
        #expect(kind(CURLE_URL_MALFORMAT, mayHaveHadEffect: false) == .invalidRequest)
    }

    /// libcurl makes another connection by itself when one that was kept breaks under a request.
    @Test(arguments: [
        CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT, CURLE_OPERATION_TIMEDOUT, CURLE_SSL_CONNECT_ERROR,
        CURLE_PEER_FAILED_VERIFICATION, CURLE_COULDNT_RESOLVE_PROXY, CURLE_PROXY,
    ])
    func aRequestThatWasSentMayHaveHadAnEffectWhateverFailsAfterwards(_ code: CURLcode) {
        #expect(kind(code, mayHaveHadEffect: true) == .protocolViolation)
    }

    @Test func anAlertAboutTheCertificateIsTLSEvenAfterTheRequestWasWritten() {
        #expect(kind(CURLE_RECV_ERROR, mayHaveHadEffect: true, "tlsv13 alert certificate required") == .tls)
        #expect(kind(CURLE_RECV_ERROR, mayHaveHadEffect: true, "tlsv1 alert unknown ca") == .tls)
        #expect(kind(CURLE_RECV_ERROR, mayHaveHadEffect: true, "tlsv1 alert internal error") == .protocolViolation)
    }

    @Test(arguments: [
        (CURLE_COULDNT_RESOLVE_HOST, "", 0, TransportError.Cause.name),
        (CURLE_OPERATION_TIMEDOUT, "Resolving timed out after 1000 milliseconds", 0, .name),
        (CURLE_OPERATION_TIMEDOUT, "Connection timed out after 1000 milliseconds", 0, nil),
        (CURLE_PEER_FAILED_VERIFICATION, "", 10, .certificateExpired),
        (CURLE_PEER_FAILED_VERIFICATION, "", 0, .certificateName),
        (CURLE_PEER_FAILED_VERIFICATION, "", 1, .certificateName),
        (CURLE_PEER_FAILED_VERIFICATION, "", 20, .certificateUntrusted),
        (CURLE_SSL_CONNECT_ERROR, "", 0, nil), (CURLE_COULDNT_CONNECT, "", 0, nil),
    ])
    func whatFailsBeforeTheRequestHasItsCause(
        code: CURLcode,
        detail: String,
        verifyResult: Int,
        cause: TransportError.Cause?
    ) {
        let error = TransportError(
            code,
            mayHaveHadEffect: false,
            detail: detail,
            verifyResult: verifyResult,
            hiding: []
        )
        #expect(error.cause == cause)
    }

    @Test func hostNamesAreHidden() {
        let detail = "Could not resolve host: swift-falcon-preview.example.test"
        let error = TransportError(
            CURLE_COULDNT_RESOLVE_HOST,
            mayHaveHadEffect: false,
            detail: detail,
            verifyResult: 0,
            hiding: ["swift-falcon-preview.example.test:80", "swift-falcon-preview.example.test"]
        )
        #expect(error.message == "Could not resolve host: the host")
    }
}
