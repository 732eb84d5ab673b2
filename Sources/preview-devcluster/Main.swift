import ArgumentParser
import DevCluster

@main
enum Main {
    static func main() async {
        await PreviewDevcluster.main(nil)
    }
}
