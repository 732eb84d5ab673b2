/// Cuts the body of a watch into its frames, one JSON document a line.
struct WatchFrames {
    private var partial: [UInt8] = []

    /// Takes the next bytes.
    ///
    /// - Returns: The frames that are complete now, without their line ends. Empty lines are no frames.
    /// - Throws: ``KubernetesError`` of kind ``KubernetesError/Kind/decoding`` if a frame is longer than
    ///   ``RequestLimits/maxFrameBytes``.
    mutating func take(_ chunk: [UInt8]) throws -> [[UInt8]] {
        var frames: [[UInt8]] = []
        var rest = chunk[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            partial += rest[..<end]
            rest = rest[(end + 1)...]
            if !partial.isEmpty { frames.append(partial) }
            partial = []
        }
        partial += rest
        guard partial.count <= RequestLimits.maxFrameBytes else {
            throw KubernetesError(.decoding, "a frame of the watch is longer than \(RequestLimits.maxFrameBytes) bytes")
        }
        return frames
    }
}
