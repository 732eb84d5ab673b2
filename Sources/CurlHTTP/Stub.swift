enum Stub_CurlHTTP {}
