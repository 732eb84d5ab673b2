internal import Hummingbird
internal import NIOCore
internal import PrometheusMetrics

/// Writes all metrics of this replica as they are now, in Prometheus' text format.
public typealias MetricsPage = @Sendable () -> String

/// The metrics, for Prometheus. They need no credentials and name no preview and no caller.
struct MetricsRoute: Sendable {
    let page: MetricsPage

    func add(to router: Router<PreviewRequestContext>) {
        router.get("metrics") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: PrometheusText.mediaType],
                body: ResponseBody(byteBuffer: ByteBuffer(string: page()))
            )
        }
    }
}
