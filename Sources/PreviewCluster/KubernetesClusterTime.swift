public import KubernetesClient
public import PreviewControl

/// The API server's clock, as the client derives it from the `Date` header of every answer.
public struct KubernetesClusterTime: ClusterTime {
    private let clock: ServerClock

    public init(_ clock: ServerClock) {
        self.clock = clock
    }

    public func reading() -> ClusterTimeReading? {
        clock.reading().map { ClusterTimeReading(earliest: $0.earliest, latest: $0.latest) }
    }
}
