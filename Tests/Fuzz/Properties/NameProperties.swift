@testable import PreviewDomain

/// Names that callers send: a name is accepted exactly as its rule allows, byte for byte, or refused in one bounded
/// line.
enum NameProperties {
    static func check(_ text: String) throws {
        try checkRun(text)
        try checkToken(text)
        try checkZone(text)
        if let id = ApprovalRequestID(text) {
            try require(id.text.utf8.count == 26 && id.text.utf8.allSatisfy(isBase32), "a request's id is base32")
        }
        if let label = RunLabel(existing: text) {
            try require(label.text.utf8.elementsEqual(text.utf8) && isLabelValue(text), "a label stays as it is")
        }
    }

    private static func checkRun(_ text: String) throws {
        let run: RunID
        do throws(InvalidRunID) {
            run = try RunID(text)
        } catch {
            try checkMessage(error.message)
            return
        }
        let bytes = Array(text.utf8)
        try require(
            (1...128).contains(bytes.count) && bytes.first.map(isAlphanumeric) == true
                && bytes.allSatisfy { isAlphanumeric($0) || "._-".utf8.contains($0) },
            "a run id is what the contract allows"
        )
        try require(try RunID(run.text) == run, "a run id reads back the same")
        try require(run.isUUID || run.text.utf8.elementsEqual(bytes), "an id that is no UUID stays as it is")
        try require(run.label.text.utf8.count <= 63 && isLabelValue(run.label.text), "a run's label is one")
        try require(RunLabel(existing: run.label.text) == run.label, "a run's label can be read")
        try require((7...18).contains(run.claimName.utf8.count) || run.claimName == "agent-", "a claim's name is short")
    }

    private static func checkToken(_ text: String) throws {
        if let token = PreviewToken(objectName: text) {
            try require(token.objectName.utf8.elementsEqual(text.utf8), "an object's name leads back to itself")
        }
        guard let token = PreviewToken(text) else { return }
        try require(isDNSLabel(token.objectName) && token.text.utf8.elementsEqual(text.utf8), "a token is a DNS label")
        try require(PreviewToken(objectName: token.objectName) == token, "an object's name holds its token")
        try require(!PreviewToken.reserved.contains(text), "the platform's own names are no tokens")
        try require("\(token)" == token.fingerprint && token.fingerprint.utf8.count == 8, "a token prints redacted")
    }

    private static func checkZone(_ text: String) throws {
        let zone: ZoneSuffix
        do throws(InvalidZoneSuffix) {
            zone = try ZoneSuffix(text)
        } catch {
            try checkMessage(error.message)
            return
        }
        let host = PreviewToken.placeholder.host(zone: zone)
        try require(host.utf8.count <= 253 && host.split(separator: ".").allSatisfy(isDNSLabel), "a host is a DNS name")
        try require(try ZoneSuffix(zone.text) == zone, "a zone reads back the same")
    }

    private static func checkMessage(_ message: String) throws {
        try require(message.utf8.count <= 768, "a refusal does not grow with what was sent")
        try require(message.utf8.allSatisfy { (0x20...0x7e).contains($0) }, "a refusal is one line of ASCII")
    }

    // MARK: The rules, written a second time, so that no fault is in both

    private static func isDNSLabel(_ text: some StringProtocol) -> Bool {
        let allowed = "abcdefghijklmnopqrstuvwxyz0123456789-".utf8
        return (1...63).contains(text.utf8.count) && text.utf8.allSatisfy(allowed.contains)
            && !text.hasPrefix("-") && !text.hasSuffix("-")
    }

    private static func isLabelValue(_ text: String) -> Bool {
        (1...63).contains(text.utf8.count) && text.utf8.first.map(isAlphanumeric) == true
            && text.utf8.last.map(isAlphanumeric) == true
            && text.utf8.allSatisfy { isAlphanumeric($0) || "._-".utf8.contains($0) }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8.contains(byte)
    }

    private static func isBase32(_ byte: UInt8) -> Bool { "abcdefghijklmnopqrstuvwxyz234567".utf8.contains(byte) }
}
