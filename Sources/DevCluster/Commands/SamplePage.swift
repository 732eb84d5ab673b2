/// The page of the sample app. Its bytes are always the same, so that a page fetched through the gateway can be compared.
struct SamplePage: Sendable, Hashable {
    let host: String
    let port: Int

    var html: String {
        """
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>A server in a sandbox</title>
        <style>
          :root { color-scheme: light dark; font-family: system-ui, sans-serif; }
          body { min-height: 100vh; margin: 0; display: grid; place-items: center;
                 background: linear-gradient(160deg, #0f766e22, #4338ca33); }
          main { max-width: 34rem; margin: 1rem; padding: 2rem 2.5rem; border-radius: 1rem;
                 background: Canvas; box-shadow: 0 1rem 3rem #0003; }
          h1 { margin-top: 0; } code { font-size: 1.05em; }
          time { display: block; font-size: 2rem; font-variant-numeric: tabular-nums; margin-top: 1.5rem; }
        </style>
        <main>
          <h1>A server in a sandbox</h1>
          <p>This page comes from a process that listens on <code>\(host):\(port)</code>, where only the sandbox's own
             network reaches it. You opened it at the preview's unguessable address, through the gateway.</p>
          <p>The address expires when the preview is stopped, receives no more keepalives, or the sandbox ends.</p>
          <time id="time">…</time> by the sandbox's clock
        </main>
        <script>
          const show = async () => {
            const element = document.getElementById("time");
            try {
              const answer = await fetch("/time", { cache: "no-store" });
              element.textContent = answer.ok ? (await answer.text()).slice(11, 19) + " UTC" : "gone";
            } catch { element.textContent = "gone"; }
          };
          show();
          setInterval(show, 1000);
        </script>
        </html>

        """
    }
}
