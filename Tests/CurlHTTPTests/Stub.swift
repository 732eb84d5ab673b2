enum Stub_CurlHTTPTests {}
