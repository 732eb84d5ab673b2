internal import Basics
internal import HTTPTypes
internal import NIOCore
internal import PreviewControl
internal import PreviewDomain

extension JSONBody {
    /// The answer to a keepalive.
    ///
    /// It is put together by hand, since front ends ask for it again and again, and an encoder would take longer than all
    /// else that is done for it. Neither a token nor an instant has characters that JSON would escape.
    init(token: PreviewToken, _ kept: KeptAlive) {
        let (expiresAt, maxUntil) = (RFC3339.string(kept.expiresAt), RFC3339.string(kept.maxUntil))
        let text =
            #"{"expires_at":"\#(expiresAt)","kept_alive":true,"max_until":"\#(maxUntil)","token":"\#(token.text)"}"#
        self.init(bytes: ByteBuffer(string: text), status: .ok)
    }
}
