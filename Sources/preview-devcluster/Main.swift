import ArgumentParser
import DevCluster

@main
enum Main {
    static func main() async {
        await PreviewDevCluster.main(nil)
    }
}
