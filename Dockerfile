# For `docker build` and `az acr build`; `make image` makes the same root file system without a Docker daemon.
#
#   docker build --build-arg BUILD_COMMIT="$(git rev-parse --short=12 HEAD)" \
#     --build-arg SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)" -t preview-gateway:COMMIT .
FROM swift:6.3-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends libcurl4-openssl-dev libssl-dev pkg-config lld python3 ca-certificates \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
# The dependencies first, so that a change of the sources resolves nothing anew.
COPY Package.swift Package.resolved* ./
RUN swift package resolve
COPY . .
ARG BUILD_VERSION=0.0.0
ARG BUILD_COMMIT=unknown
ARG SOURCE_DATE_EPOCH=0
ENV BUILD_VERSION=$BUILD_VERSION BUILD_COMMIT=$BUILD_COMMIT SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH
RUN BUILD_DATE="$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)"; export BUILD_DATE; swift build -c release --static-swift-stdlib --explicit-target-dependency-import-check error \
    --product preview-gateway \
    && strip .build/release/preview-gateway \
    && image/rootfs.sh .build/release/preview-gateway /rootfs

# Nothing but what the program needs: no shell, no package manager.
FROM scratch
COPY --from=build /rootfs/ /
USER 65532:65532
ENV PATH=/usr/bin HOME=/home/nonroot
WORKDIR /home/nonroot
EXPOSE 8080
ENTRYPOINT ["/usr/bin/preview-gateway"]
CMD ["serve"]
