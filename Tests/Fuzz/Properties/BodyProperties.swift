import FoundationEssentials
import HTTPTypes
import NIOCore
import PreviewDomain

@testable import PreviewServer

/// A request body gives a value, or a 400 that states what is expected; everything else is a fault.
enum BodyProperties {
    static func check(_ bytes: [UInt8]) throws {
        let body = ByteBuffer(bytes: bytes)
        if let start = try accepted({ try StartBody(body) }) {
            for name in ["target_port", "targetPort"] {
                let plain = ByteBuffer(string: #"{"\#(name)":\#(start.targetPort)}"#)
                try require(try StartBody(plain).targetPort == start.targetPort, "both spellings name the same port")
            }
            if let port = try? PortPolicy().check(start.targetPort) {
                try require((3000...9000).contains(port.number), "only allowed ports pass")
            }
        }
        if let decision = try accepted({ try DecisionBody(body) }) {
            try require(!decision.requestID.isEmpty, "a decision names its request")
            var members = ["request_id": decision.requestID, "scope": decision.scope.rawValue]
            members["reason"] = decision.reason
            let again = try DecisionBody(ByteBuffer(bytes: try JSONEncoder().encode(members)))
            try require(
                again.requestID == decision.requestID && again.scope == decision.scope
                    && again.reason == decision.reason,
                "a decision that is written again is the same"
            )
        }
        if let option = try accepted({ try AutoApproveBody(body) }) {
            let again = try AutoApproveBody(ByteBuffer(string: #"{"enabled":\#(option.enabled)}"#))
            try require(again.enabled == option.enabled, "an option that is written again is the same")
        }
    }

    /// - Returns: `nil` for a body that is refused as it should be.
    private static func accepted<Body>(_ read: () throws -> Body) throws -> Body? {
        do {
            return try read()
        } catch let error as APIError {
            try require(error.status == .badRequest, "a bad body is a 400, not a \(error.status.code)")
            try require(error.message.utf8.count <= 256, "a refusal does not grow with the body")
            return nil
        } catch {
            throw BrokenProperty(description: "a bad body is a 400, not a \(type(of: error))")
        }
    }
}
